package faults

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

// Servers whose answers over UDP are all truncated, and that are not good at TCP:
// what they do is only for those to feel who ask them over TCP.
var (
	oneAnswer = scenario{name: "one TCP answer a connection", rows: oneAnswerRows, run: runOneAnswer}
	inOrderly = scenario{name: "TCP answers in order", rows: inOrderlyRows, run: runInOrderly}
	hanging   = scenario{name: "TCP answers hang", rows: hangingRows, run: runHanging}
	copies    = scenario{name: "copies of a truncated answer", rows: copiesRows, run: runCopies}
	frames    = scenario{name: "frames that answer nothing", rows: framesRows, run: runFrames}
)

// retriesTruncated reports whether the server asks again over TCP, in its clients'
// place.
func (s *site) retriesTruncated() bool {
	return !slices.Contains([]string{"dnsdist", "coredns", "dnsmasq"}, s.server.Name)
}

// truncating starts the server with such an upstream.
func (s *site) truncating(t *testing.T, overTCP func(*dns.Conn)) *lab.Process {
	t.Helper()
	o := newOddServer(s.Network)
	o.overUDP(t, func(query *dns.Msg) [][]byte { return [][]byte{truncated(query)} })
	o.overTCP(t, overTCP)
	return s.ForwarderA.Serve(t, s.server, throughTap)
}

// atOnce asks for so many names, and returns how many were answered.
func (s *site) atOnce(t *testing.T, label string, count int) float64 {
	t.Helper()
	const length = 10 * time.Millisecond
	all := s.newNames(label, count*int(time.Second/length), length).Run(t.Context(), t)
	return float64(len(all) - len(all.Failed()))
}

var oneAnswerRows = []row{
	{"150 truncated answers at once, the server gives one answer a TCP connection: answered", "", atLeast(150)},
	{"the same again: answered", "", atLeast(150)},
}

func runOneAnswer(t *testing.T, s *site) figures {
	if !s.retriesTruncated() {
		return nil
	}
	s.truncating(t, func(conn *dns.Conn) {
		if query, err := conn.ReadMsg(); err == nil {
			_ = conn.WriteMsg(sound(query))
		}
	})
	return inOrder(oneAnswerRows, s.atOnce(t, "first", 150), s.atOnce(t, "again", 150))
}

var inOrderlyRows = []row{
	{"8 truncated answers at once, the server takes 0.8 s for each over TCP, in order: answered", "", atLeast(8)},
	{"the same again: answered", "", atLeast(8)},
}

func runInOrderly(t *testing.T, s *site) figures {
	if !s.retriesTruncated() {
		return nil
	}
	const each = 800 * time.Millisecond
	s.truncating(t, inTurn(func(query *dns.Msg) []byte {
		time.Sleep(each)
		return packed(sound(query))
	}))
	return inOrder(inOrderlyRows, s.atOnce(t, "first", 8), s.atOnce(t, "again", 8))
}

var hangingRows = slices.Concat(hangRows("one a second"), hangRows("20 a second"))

func hangRows(often string) []row {
	title := "TCP answers that hang in the middle, " + often + ": "
	return []row{
		{title + "others over TCP answered", "%", atLeast(100)},
		{title + "p50 of these", "ms", atMost(20).give(50)},
		{title + "p99 of these", "ms", limit{}},
	}
}

func runHanging(t *testing.T, s *site) figures {
	if !s.retriesTruncated() {
		return nil
	}
	const length = 8 * time.Second
	p := s.truncating(t, func(conn *dns.Conn) {
		for {
			query, err := conn.ReadMsg()
			switch {
			case err != nil:
				return
			case strings.HasPrefix(query.Question[0].Name, "hang"):
				hang(conn, query)
				return
			}
			_ = conn.WriteMsg(sound(query))
		}
	})
	var values []float64
	for _, often := range []int{1, 20} {
		_, stop := s.newNames(fmt.Sprintf("hang%d-", often), often, length).Start(t)
		all := s.newNames(fmt.Sprintf("well%d-", often), 20, length).Run(t.Context(), t)
		stop()
		values = append(values, all.Percent(), milliseconds(all.Quantile(0.5)), milliseconds(all.Quantile(0.99)))
	}
	p.Kill()
	return inOrder(hangingRows, values...)
}

// hang sends half an answer, and keeps the connection open as long as the other
// side does.
func hang(conn *dns.Conn, query *dns.Msg) {
	answer := packed(sound(query))
	frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer[:len(answer)/2]...)
	if _, err := conn.Conn.Write(frame); err == nil {
		_, _ = io.Copy(io.Discard, conn.Conn)
	}
}

var copiesRows = []row{
	{"1000 copies of one truncated answer: answered", "%", atLeast(100)},
	{"the same: queries over TCP", "", atMost(1)},
}

func runCopies(t *testing.T, s *site) figures {
	if !s.retriesTruncated() {
		return nil
	}
	const many, delay = 1000, 100 * time.Millisecond
	o := newOddServer(s.Network)
	o.overUDP(t, func(query *dns.Msg) (packets [][]byte) {
		for range many {
			packets = append(packets, truncated(query))
		}
		return packets
	})
	o.overTCP(t, inTurn(func(query *dns.Msg) []byte {
		o.count(query)
		time.Sleep(delay)
		return packed(sound(query))
	}))
	s.ForwarderA.Serve(t, s.server, throughTap)
	all := s.newNames("copies", 2, 3*time.Second).Run(t.Context(), t)
	return inOrder(copiesRows, all.Percent(), o.most())
}

var framesRows = []row{
	{"a stream of TCP messages that answer nothing for 5 s: CPU", "ms", atMost(20).give(80)},
	{"the same: connections", "", limit{}},
}

func runFrames(t *testing.T, s *site) figures {
	if !s.retriesTruncated() {
		return nil
	}
	const length = 5 * time.Second
	connections := make(chan struct{}, 1000)
	p := s.truncating(t, func(conn *dns.Conn) {
		connections <- struct{}{}
		query, err := conn.ReadMsg()
		if err != nil {
			return
		}
		frame := packed(sound(query))
		for id := query.Id + 1; ; id++ {
			if id == query.Id {
				id++
			}
			if _, err := conn.Write(withID(frame, id)); err != nil {
				return
			}
		}
	})
	before := p.CPU(t)
	s.newNames("frames", 1, length).Start(t)
	time.Sleep(length)
	return inOrder(framesRows, milliseconds(p.CPU(t)-before), float64(len(connections)))
}
