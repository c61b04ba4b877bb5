package forwarder

import (
	"fmt"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// maxChase is how many times the end of a chain is asked for (BIND's
// max-query-restarts).
const maxChase = 11

// chase is a chain of CNAMEs that upstream did not follow to its end: it has
// zones for some of the names only. The rest is asked for, name by name.
type chase struct {
	question []byte        // of the client
	answer   []dns.RR      // so far
	asOf     time.Duration // its TTLs count from then
	seen     map[string]bool
}

// follow asks for the end of the chain in r.msg.
func (r *replier) follow(f *fetch, c wire.Chain) {
	m := new(dns.Msg)
	if err := m.Unpack(r.msg.Msg); err != nil {
		r.fail(f, fmt.Errorf("unpacking answer: %w", err))
		return
	}
	if f.chase == nil {
		f.chase = &chase{question: f.req.Question, seen: make(map[string]bool)}
	}
	f.chase.answer, _ = scrub.Chain(m)
	f.chase.asOf = r.asOf
	name := wire.AppendName(nil, r.msg.Msg, c.Final)
	zone := f.st.routes.find(name, r.msg.Type())
	asked := f.chase.seen[string(name)]
	switch {
	case loops(m.Question[0].Name, f.chase.answer) || len(f.chase.seen) == maxChase:
		r.endless(f, m)
	case asked && scrub.Has(r.msg.Section(1), wire.TypeNS):
		r.fail(f, errReferral)
	case asked, zone == nil, len(zone.servers) == 0: // there is no more to be had
		r.conclude(f, c, scrub.Negative)
	default:
		r.askEnd(f, zone, name)
	}
}

// askEnd asks for the end of f's chain in what is left of its clients' time.
func (r *replier) askEnd(f *fetch, z *zone, name []byte) {
	left := f.began + f.st.cfg.Limits.ClientWait() - r.now
	if left <= 0 {
		r.fail(f, upstream.ErrTimeout)
		return
	}
	f.chase.seen[string(name)] = true
	q := append(name, f.chase.question[len(f.chase.question)-4:]...)
	r.p.mu.Lock() // who joins may raise the priority
	f.req = upstream.Request{Question: q, CD: f.req.CD, DO: f.req.DO, Servers: z.servers, Wait: left, Priority: f.req.Priority, Tag: f}
	r.p.mu.Unlock()
	up := f.st.upstream
	up.Start(&f.req) // from here on f may be answered, and used again
	up.Flush()
}

// edeLoop is what BIND says of a chain without end.
var edeLoop = ede{0, "max. restarts reached"}

// endless replies as BIND does to a chain that never ends: what there is of it,
// and SERVFAIL. m is the last answer.
func (r *replier) endless(f *fetch, m *dns.Msg) {
	m.Rcode, m.Answer, m.Ns, m.Extra = dns.RcodeServerFailure, f.chase.answer, nil, nil
	if err := scrub.Pack(m, &r.msg); err != nil {
		r.fail(f, err)
		return
	}
	r.settle(f, f.st.ttls, seconds(f.st.cfg.Cache.ServfailTTL), edeLoop)
}

// loops reports whether the chain comes back to a name that it has passed.
func loops(name string, chain []dns.RR) bool {
	passed := map[string]bool{dns.CanonicalName(name): true}
	for _, rr := range chain {
		if c, ok := rr.(*dns.CNAME); ok {
			target := dns.CanonicalName(c.Target)
			if passed[target] {
				return true
			}
			passed[target] = true
		}
	}
	return false
}

// join returns the answer to the client's question: the chain so far, as old as
// msg, and what msg says of its end. The TTLs of msg count from asOf.
func (c *chase) join(msg []byte, asOf time.Duration) ([]byte, error) {
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return nil, fmt.Errorf("unpacking answer: %w", err)
	}
	name, _, err := dns.UnpackDomainName(c.question, 0)
	if err != nil {
		return nil, fmt.Errorf("unpacking question: %w", err)
	}
	m.Question[0].Name = name
	for _, rr := range c.answer {
		h := rr.Header()
		h.Ttl -= min(h.Ttl, elapsed(asOf-c.asOf))
	}
	m.Answer = append(append([]dns.RR(nil), c.answer...), m.Answer...)
	m.Compress = true
	packed, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("packing answer: %w", err)
	}
	return packed, nil
}
