package forwarder

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// mutator makes broken messages of sound ones.
type mutator struct {
	*rand.Rand
	seeds [][]byte // of which parts are taken
}

func newMutator(tb testing.TB, seed uint64) *mutator {
	tb.Helper()
	m := &mutator{Rand: rand.New(rand.NewPCG(seed, 1))}
	paths, err := filepath.Glob("../testdata/wire/*.bin")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("Glob = %v, %v, want messages", paths, err)
	}
	for _, path := range paths {
		msg, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		m.seeds = append(m.seeds, msg)
	}
	return m
}

// pick returns one of a list.
func pick[T any](m *mutator, list ...T) T { return list[m.IntN(len(list))] }

// mutate returns msg with a few faults, in at most limit octets.
func (m *mutator) mutate(msg []byte, limit int) []byte {
	for range 1 + m.IntN(3) {
		msg = m.fault(slices.Clone(msg))
	}
	return msg[:min(len(msg), limit)]
}

// fault makes one fault.
func (m *mutator) fault(msg []byte) []byte {
	if len(msg) < wire.HeaderLen {
		return append(msg, m.part()...)
	}
	at := m.IntN(len(msg))
	switch m.IntN(11) {
	case 0:
		msg[at] ^= 1 << m.IntN(8)
	case 1:
		msg[at] = byte(m.Uint32())
	case 2:
		return msg[:at]
	case 3:
		return append(msg, m.part()...)
	case 4: // a count
		binary.BigEndian.PutUint16(msg[4+2*m.IntN(4):], m.number())
	case 5: // a length, or a TTL, or a type
		msg = binary.BigEndian.AppendUint16(msg[:max(0, at-2)], m.number())[:len(msg)]
	case 6: // a compression pointer: to a name, to itself, forward, into the header
		to := pick(m, wire.HeaderLen, at, m.IntN(len(msg)), m.IntN(1<<14))
		msg = binary.BigEndian.AppendUint16(msg[:max(0, at-2)], 0xc000|uint16(to))[:len(msg)]
	case 7:
		return slices.Concat(msg[:at], m.part())
	case 8: // something twice
		return slices.Concat(msg[:at], msg[at/2:])
	case 9:
		return slices.Insert(msg, at, m.part()...)
	case 10:
		return m.withOPT(msg)
	}
	return msg
}

// number is one of those where lengths and counts go wrong.
func (m *mutator) number() uint16 {
	return pick(m, 0, 1, 2, 10, 11, 12, 63, 64, 255, 256, 512, 0x7fff, 0x8000, 0xffff, uint16(m.Uint32()))
}

// part is a piece of another message.
func (m *mutator) part() []byte {
	s := m.seeds[m.IntN(len(m.seeds))]
	from := m.IntN(len(s) + 1)
	return s[from : from+m.IntN(len(s)-from+1)]
}

// withOPT appends an OPT with an option to msg.
func (m *mutator) withOPT(msg []byte) []byte {
	wire.AddOPT(msg, 0)
	opt := len(msg)
	msg = wire.AppendOPT(msg, m.number(), m.IntN(4096)&m.IntN(4096), m.IntN(2) == 0)
	for range m.IntN(3) {
		data := make([]byte, pick(m, 0, 1, 2, 4, 7, 8, 9, 16, 24, 40, 41, 300))
		for i := range data {
			data[i] = byte(m.Uint32())
		}
		msg = wire.AppendOption(msg, opt, uint16(m.IntN(18)), data...)
	}
	return msg
}

// zones are those that hostile queries are about.
var zones = []string{"example.", "a.test.", "b.test.", "none.test.", "version.bind."}

// query is a query for one of many names.
func (m *mutator) query() []byte {
	q := new(dns.Msg)
	q.SetQuestion(fmt.Sprintf("n%d.%s", m.IntN(300), pick(m, zones...)),
		pick(m, dns.TypeA, dns.TypeTXT, dns.TypeANY, dns.TypeDS, dns.TypeAXFR, dns.TypeCNAME, dns.TypeMX))
	q.Id = uint16(m.Uint32())
	q.Question[0].Qclass = pick(m, uint16(dns.ClassINET), dns.ClassINET, dns.ClassINET, dns.ClassCHAOS)
	q.CheckingDisabled, q.RecursionDesired = m.IntN(4) == 0, m.IntN(8) > 0
	if m.IntN(2) == 0 {
		q.SetEdns0(uint16(m.IntN(5000)), m.IntN(2) == 0)
	}
	return packed(q)
}

// hostileQuery is such a query or a message from testdata, with faults.
func (m *mutator) hostileQuery(limit int) []byte {
	if m.IntN(4) == 0 {
		return m.mutate(m.seeds[m.IntN(len(m.seeds))], limit)
	}
	return m.mutate(m.query(), limit)
}
