package forwarder

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// maxLinks is how many links of a walk are asked for after the first (BIND's
// max-query-restarts).
const maxLinks = 11

// walk is the way along a chain of CNAMEs that upstream did not follow to its
// end, as it has zones for some of the names only. The next link is asked for
// where its own name belongs.
type walk struct {
	links []dns.RR        // so far
	asOf  time.Duration   // their TTLs count from then
	asked map[string]bool // owners, by wire name
}

// link is one more to be asked for; the zero value is none.
type link struct {
	owner []byte // wire name
	zone  *zone
}

// errEndless is a chain without end; what there is of it is a SERVFAIL in r.msg.
var errEndless = errors.New("chain without end")

// edeLoop is what BIND says of one.
var edeLoop = ede{0, "max. restarts reached"}

// walkOn takes the next step of f's walk, and reports whether there is one; if not,
// r.msg is all that is to be had, which is a negative answer.
func (r *resolver) walkOn(f *fetch) bool {
	next, err := r.nextLink(f)
	switch {
	case errors.Is(err, errEndless):
		r.finish(f, f.st.ttls, seconds(f.st.cfg.Cache.ServfailTTL), edeLoop)
	case err != nil:
		r.fail(f, err)
	case next.zone != nil:
		r.follow(f, next)
	default:
		r.class = scrub.Negative
		return false
	}
	return true
}

// nextLink returns what is to be asked for after r.msg. No link means that there
// is no more to be had.
func (r *resolver) nextLink(f *fetch) (link, error) {
	m := new(dns.Msg)
	if err := m.Unpack(r.msg.Msg); err != nil {
		return link{}, fmt.Errorf("unpacking answer: %w", err)
	}
	if f.walk == nil {
		f.walk = &walk{asked: make(map[string]bool)}
	}
	f.walk.links, _, _ = scrub.Chain(m, nil)
	f.walk.asOf = r.asOf
	owner := wire.AppendName(nil, r.msg.Msg, r.chain.Final)
	switch asked := f.walk.asked[string(owner)]; {
	case loops(m.Question[0].Name, f.walk.links) || len(f.walk.asked) == maxLinks:
		return link{}, r.giveUpWalk(f, m)
	case asked:
		return link{}, nil
	}
	if z := f.st.routes.find(owner, r.msg.Type()); z != nil && len(z.servers) > 0 {
		return link{owner, z}, nil
	}
	return link{}, nil
}

// follow asks for the next link of f's walk.
func (r *resolver) follow(f *fetch, next link) {
	f.walk.asked[string(next.owner)] = true
	r.askAgain(f, append(next.owner, f.question[len(f.question)-4:]...), next.zone)
}

// askAgain asks one more question for f's clients, in what is left of their time.
func (r *resolver) askAgain(f *fetch, question []byte, z *zone) {
	left := f.began + f.st.cfg.Limits.ClientWait() - r.now
	if left <= 0 {
		r.fail(f, upstream.ErrTimeout)
		return
	}
	r.inflight.again(f, question, z, left)
	up := f.st.upstream
	up.Start(&f.req) // from here on f may be answered, and used again
	up.Flush()
}

// giveUpWalk makes r.msg what BIND replies to a chain that never ends: what there
// is of it, and SERVFAIL. m is the last answer.
func (r *resolver) giveUpWalk(f *fetch, m *dns.Msg) error {
	m.Rcode, m.Answer, m.Ns, m.Extra = dns.RcodeServerFailure, f.walk.links, nil, nil
	if err := scrub.Pack(m, r.msg); err != nil {
		return err
	}
	return errEndless
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

// join returns the answer to question: the links so far, as old as msg, and what
// msg says of the next. The TTLs of msg count from asOf.
func (w *walk) join(question, msg []byte, asOf time.Duration) ([]byte, error) {
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return nil, fmt.Errorf("unpacking answer: %w", err)
	}
	name, _, err := dns.UnpackDomainName(question, 0)
	if err != nil {
		return nil, fmt.Errorf("unpacking question: %w", err)
	}
	m.Question[0].Name = name
	for _, rr := range w.links {
		h := rr.Header()
		h.Ttl -= min(h.Ttl, elapsed(asOf-w.asOf))
	}
	m.Answer = append(append([]dns.RR(nil), w.links...), m.Answer...)
	m.Compress = true
	packed, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("packing answer: %w", err)
	}
	return packed, nil
}
