package shadow

import (
	"strings"

	"github.com/miekg/dns"
)

// Question is what a client asked, with what of its query makes a difference.
type Question struct {
	Name        string // as in presentation format, lower case, with its final dot
	Type, Class uint16
	NoRecursion bool // RD=0
	EDNS        bool
	DO, CD      bool
}

// newQuestion returns the usual question of a stub resolver. It is false for a name
// that is none.
func newQuestion(name string, qtype uint16) (Question, bool) {
	var wire [256]byte
	n, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil {
		return Question{}, false
	}
	name, _, err = dns.UnpackDomainName(wire[:n], 0) // with every odd octet escaped
	return Question{Name: dns.CanonicalName(name), Type: qtype, Class: dns.ClassINET, EDNS: true}, err == nil
}

// comparable reports whether both can be asked this: no transfers and nothing that
// is about a single message.
func (q Question) comparable() bool {
	switch q.Type {
	case dns.TypeAXFR, dns.TypeIXFR, dns.TypeOPT, dns.TypeTSIG, dns.TypeTKEY, dns.TypeMAILA, dns.TypeMAILB, dns.TypeNone:
		return false
	}
	return q.Class == dns.ClassINET || q.Class == dns.ClassCHAOS
}

// udpSize is what the servers may send: more comes over TCP.
const udpSize = 1232

func (q Question) message() *dns.Msg {
	m := new(dns.Msg).SetQuestion(q.Name, q.Type)
	m.Question[0].Qclass = q.Class
	m.RecursionDesired, m.CheckingDisabled = !q.NoRecursion, q.CD
	if q.EDNS || q.DO {
		m.SetEdns0(udpSize, q.DO)
	}
	return m
}

// String is the question as dig's user would write it.
func (q Question) String() string {
	parts := []string{q.Name}
	if q.Class != dns.ClassINET {
		parts = append(parts, dns.Class(q.Class).String())
	}
	parts = append(parts, dns.Type(q.Type).String())
	for _, flag := range []struct {
		set  bool
		text string
	}{{q.NoRecursion, "+norec"}, {q.DO, "+dnssec"}, {q.CD, "+cd"}} {
		if flag.set {
			parts = append(parts, flag.text)
		}
	}
	return strings.Join(parts, " ")
}

// parseType reads A, a, TYPE65 and what a named calls types of which the library
// has no name.
func parseType(s string) (uint16, bool) {
	s = strings.ToUpper(s)
	if t, ok := dns.StringToType[s]; ok {
		return t, true
	}
	return parseNumber(s, "TYPE")
}

func parseClass(s string) (uint16, bool) {
	s = strings.ToUpper(s)
	if c, ok := dns.StringToClass[s]; ok {
		return c, true
	}
	return parseNumber(s, "CLASS")
}
