package upstream

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

// readFrame reads one query, or nil at the end.
func readFrame(conn net.Conn) []byte {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil
	}
	q := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, q); err != nil {
		return nil
	}
	return q
}

func writeFrame(conn net.Conn, m []byte) {
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
}

// intake reads queries on, as a kernel does for a server that is busy.
func intake(conn net.Conn) <-chan []byte {
	queries := make(chan []byte, 10000)
	go func() {
		defer close(queries)
		for q := readFrame(conn); q != nil; q = readFrame(conn) {
			queries <- q
		}
	}()
	return queries
}

// inOrder answers one query after the other, each after d, and hangs up after so
// many; 0 is never.
func inOrder(d time.Duration, last int) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		count := 0
		for q := range intake(conn) {
			time.Sleep(d)
			writeFrame(conn, reply(q, 0))
			if count++; count == last {
				return
			}
		}
	}
}

// workers has so many connections served at once, the others wait.
func workers(count int, talk func(net.Conn)) func(net.Conn) {
	var once sync.Once
	var free chan struct{} // made in the test's bubble
	return func(conn net.Conn) {
		once.Do(func() { free = make(chan struct{}, count) })
		free <- struct{}{}
		defer func() { <-free }()
		talk(conn)
	}
}

// labelOf is the first label of a query's name behind www.
func labelOf(q []byte) string {
	at := wire.HeaderLen + 4
	return string(q[at+1 : at+1+int(q[at])])
}

// midFrame begins the answers to names that start with "hang", and never ends one.
func midFrame(conn net.Conn) {
	defer conn.Close()
	for q := range intake(conn) {
		m := append(binary.BigEndian.AppendUint16(nil, 100), reply(q, 0)...)
		if strings.HasPrefix(labelOf(q), "hang") {
			_, _ = conn.Write(m[:20])
			for range intake(conn) {
			}
			return
		}
		writeFrame(conn, m[2:])
	}
}

func allTruncated(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }

// TestStreamsOfOddServers: many truncated answers at once, from servers that do
// not pipeline.
func TestStreamsOfOddServers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		talk  func(net.Conn)
		count int
		last  time.Duration
		conns int
	}{
		{"one answer a connection", inOrder(0, 1), 150, 1200 * ms, 152},
		{"three answers a connection", inOrder(0, 3), 150, 1200 * ms, 152},
		{"one answer a connection, slow", inOrder(100*ms, 1), 150, 2 * time.Second, 152},
		{"in order, 0.8 s each", inOrder(800*ms, 0), 8, 2 * time.Second, 9},
		{"in order, 0.3 s each", inOrder(300*ms, 0), 20, 2 * time.Second, 21},
		{"one at a time, one a connection", workers(1, inOrder(10*ms, 1)), 50, 2 * time.Second, 52},
		{"one connection at a time", workers(1, inOrder(10*ms, 0)), 50, 2 * time.Second, 52},
		{"four connections at a time, slow", workers(4, inOrder(400*ms, 0)), 20, 4 * time.Second, 41},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, func(c *Config) { c.PPS = 900 })
				a.stream("warm", 20, 100)
				n.change(func() { n.hosts[serverA].udp, n.hosts[serverA].talk = allTruncated, tc.talk })
				a.stream("n", tc.count, 1e6)
				took, failed := a.finish()
				time.Sleep(time.Minute) // the server works off what it has
				if last := took[len(took)-1]; failed > 0 || last > tc.last || n.conns > tc.conns {
					t.Errorf("%d failed, longest %v, %d connections, want 0, %v, %d", failed, last, n.conns, tc.last, tc.conns)
				}
			})
		})
	}
}

// TestSerialLearnt: what one burst has shown of a server, the next one profits by.
func TestSerialLearnt(t *testing.T) {
	for _, tc := range []struct {
		name string
		talk func(net.Conn)
		last time.Duration
	}{
		{"one answer a connection", inOrder(10*ms, 1), 40 * ms},
		{"in order", inOrder(400*ms, 0), 410 * ms},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].talk = tc.talk
				n.hosts[serverA].udp = allTruncated
				a := newAsker(t, n)
				a.stream("first", 20, 1e6)
				a.drain()
				a.stream("next", 20, 1e6)
				a.drain()
				for r, res := range a.ends {
					if strings.HasPrefix(labelOf(append(make([]byte, wire.HeaderLen), r.Question...)), "next") && res.took > tc.last {
						t.Errorf("answered after %v, want %v: on a connection of its own", res.took, tc.last)
					}
				}
				a.finish()
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestHangInMidFrame: once a second an answer begins and does not end; or so often
// that all connections could hang, which then make room.
func TestHangInMidFrame(t *testing.T) {
	t.Run("1 a second", func(t *testing.T) { testHangInMidFrame(t, 20, 60) })
	t.Run("40 a second", func(t *testing.T) { testHangInMidFrame(t, 0.5, 400) })
}

// testHangInMidFrame has hangs every so many twentieths of a second, and most
// honest questions that feel them.
func testHangInMidFrame(t *testing.T, every float64, most int) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].talk = midFrame
		n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
			if strings.HasPrefix(labelOf(q), "warm") {
				return [][]byte{reply(q, 0)}
			}
			return [][]byte{truncated(q)}
		}
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		var honest []*Request
		hangs := 0.0
		for i := range 400 {
			for ; hangs*every <= float64(i); hangs++ {
				a.start(fmt.Sprint("hang", hangs))
			}
			honest = append(honest, a.start(fmt.Sprint("n", i)), a.start(fmt.Sprint("m", i)))
			time.Sleep(50 * ms)
		}
		a.finish()
		late := 0
		for _, r := range honest {
			res := a.ends[r]
			if res.err != nil || res.took > 300*ms {
				t.Errorf("Answer = %v after %v beside one that hangs", res.err, res.took)
			}
			if res.took > 20*ms {
				late++
			}
		}
		if late > most {
			t.Errorf("%d of %d took longer than 20 ms, want those that were asked beside one that hangs", late, len(honest))
		}
	})
}

// TestHangMakesRoom: what hangs makes room for others, and that is not taken for a
// server without TCP. The honest need it: over UDP they get two wrong answers each.
func TestHangMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].talk = midFrame
		n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
			switch name := labelOf(q); {
			case strings.HasPrefix(name, "warm"):
				return [][]byte{reply(q, 0)}
			case strings.HasPrefix(name, "honest"), strings.HasPrefix(name, "hangforged"):
				return flood(q, 2)
			}
			return [][]byte{truncated(q)}
		}
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		var honest []*Request
		for i := range 200 {
			a.start(fmt.Sprint("hang", i))
			a.start(fmt.Sprint("hangtoo", i))
			if i%10 == 5 {
				a.start(fmt.Sprint("hangforged", i))
			}
			honest = append(honest, a.start(fmt.Sprint("honest", i)))
			time.Sleep(50 * ms)
		}
		a.finish()
		for i, r := range honest {
			if err := a.ends[r].err; err != nil {
				t.Fatalf("honest question %d: %v, want its answer over TCP", i, err)
			}
		}
	})
}

// TestSilentStreams: who waits in vain over TCP does not take more and more
// connections as its time runs out.
func TestSilentStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].talk = func(conn net.Conn) {
			defer conn.Close()
			for range intake(conn) {
			}
		}
		n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte {
			if strings.HasPrefix(labelOf(q), "silent") {
				return [][]byte{truncated(q)}
			}
			return [][]byte{reply(q, 0)}
		}
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		a.start("silent")
		a.stream("beside", 100, 500)
		a.finish()
		if n.conns < 2 || n.conns > 5 {
			t.Errorf("one silent question made %d connections, want 2 to 5", n.conns)
		}
	})
}

// TestUselessFrames: a stream of what answers nothing is not read on.
func TestUselessFrames(t *testing.T) {
	for _, frame := range [][]byte{{}, {1}, make([]byte, 12), make([]byte, 5000)} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(serverA)
			n.hosts[serverA].udp = allTruncated
			var mu sync.Mutex
			written := 0
			n.hosts[serverA].talk = func(conn net.Conn) {
				defer conn.Close()
				readFrame(conn)
				for range 100_000 {
					if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(frame))), frame...)); err != nil {
						return
					}
					mu.Lock()
					written++
					mu.Unlock()
				}
			}
			a := newAsker(t, n)
			a.ask("a")
			mu.Lock()
			defer mu.Unlock()
			if most := n.conns * (maxWrong + 3); written > most || n.conns > maxResets+1 {
				t.Errorf("%d frames of %d octets were read on %d connections, want %d at most", written, len(frame), n.conns, most)
			}
			a.finish()
		})
	}
}

// TestTwoForwarders: a server that serves one connection at a time is not kept
// from others by an idle one for longer than they wait.
func TestTwoForwarders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].udp = allTruncated
		n.hosts[serverA].talk = workers(1, inOrder(10*ms, 0))
		a := newAsker(t, n)
		a.ask("first")
		went := time.Now()
		other, _ := n.dialTCP(t.Context(), serverA, serverB)
		defer other.Close()
		go writeFrame(other, wire.AppendQuery(nil, wire.QueryOptions{ID: 1, Question: question("other")}))
		readFrame(other)
		if wait := time.Since(went); wait > streamIdle+100*ms {
			t.Errorf("another client was served after %v", wait)
		}
		a.finish()
	})
}
