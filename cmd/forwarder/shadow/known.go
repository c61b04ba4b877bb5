package shadow

import (
	"context"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// known are the reasons why answers may differ: first what differs from BIND on
// purpose, then what comes of two caches.
var known = []struct {
	reason  string
	notice  bool // clients lose an answer
	applies func(c *encounter, ctx context.Context, d *Difference) bool
}{
	{"this host may not ask named, see its allow-query", false, (*encounter).notAllowed},
	{"RD=0 is answered from the cache or REFUSED", false, (*encounter).noRecursion},
	{"nothing recurses: a name without forwarders is REFUSED", true, (*encounter).noForwarders},
	{"DNSSEC is not validated, and named finds the name bogus", false, (*encounter).bogus},
	{"AD is never set: nothing is validated", false, (*encounter).authentic},
	{"sets of more than 100 records are answered", false, (*encounter).manyRecords},
	{"named's answer is older: upstream says what the forwarder says", false, (*encounter).namedIsOlder},
	{"upstream says something else each time", false, (*encounter).upstreamVaries},
	{"upstream's TTL starts anew; named has had its answer for longer", false, (*encounter).ttlOfUpstream},
}

// explain finds out whether a difference is known.
func (c *encounter) explain(ctx context.Context, d *Difference) {
	for _, k := range known {
		if k.applies(c, ctx, d) {
			d.Known, d.ClientNotice = k.reason, k.notice
			return
		}
	}
}

func (c *encounter) notAllowed(_ context.Context, _ *Difference) bool {
	return c.named.is(dns.RcodeRefused) && !c.ours.is(dns.RcodeRefused)
}

func (c *encounter) noRecursion(_ context.Context, _ *Difference) bool { return c.question.NoRecursion }

func (c *encounter) noForwarders(_ context.Context, d *Difference) bool {
	return d.Kind == "rcode" && c.ours.is(dns.RcodeRefused) && hasEDE(c.ours.Msg, dns.ExtendedErrorCodeNotAuthoritative)
}

func hasEDE(m *dns.Msg, code uint16) bool {
	opt := m.IsEdns0()
	return opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool {
		e, ok := o.(*dns.EDNS0_EDE)
		return ok && e.InfoCode == code
	})
}

// bogus: with CD=1 named says what we say.
func (c *encounter) bogus(ctx context.Context, d *Difference) bool {
	if d.Kind != "rcode" || !c.named.is(dns.RcodeServerFailure) || c.ours.Msg == nil || c.question.CD {
		return false
	}
	q := c.question
	q.CD = true
	a := ask(ctx, c.pair.Named, q)
	return a.is(c.ours.Msg.Rcode)
}

func (c *encounter) authentic(_ context.Context, d *Difference) bool {
	return d.Kind == "flags" && strings.TrimSpace(strings.TrimSuffix(d.Named, "ad")) == d.Ours
}

func (c *encounter) manyRecords(_ context.Context, d *Difference) bool {
	return d.Kind == "rcode" && c.named.is(dns.RcodeServerFailure) && c.ours.Msg != nil && len(c.ours.Msg.Answer) > 100
}

// aboutData reports whether both have answered, with something else.
func (c *encounter) aboutData(d *Difference) bool {
	answered := func(a *Answer) bool { return a.is(dns.RcodeSuccess) || a.is(dns.RcodeNameError) }
	return (d.Kind == "rcode" || d.Kind == "records") && answered(&c.named) && answered(&c.ours)
}

func (c *encounter) namedIsOlder(ctx context.Context, d *Difference) bool {
	if !c.aboutData(d) {
		return false
	}
	third, ok := c.upstream(ctx)
	return ok && sameData(third, &c.ours)
}

func sameData(a, b *Answer) bool {
	return a.Msg.Rcode == b.Msg.Rcode && slices.Equal(a.data(), b.data())
}

// upstreamVaries: neither is what it says, nor does it say the same twice.
func (c *encounter) upstreamVaries(ctx context.Context, d *Difference) bool {
	if !c.aboutData(d) {
		return false
	}
	third, ok := c.upstream(ctx)
	if !ok || sameData(third, &c.named) {
		return false
	}
	fourth, ok := c.askUpstream(ctx)
	return ok && !sameData(third, &fourth)
}

func (c *encounter) ttlOfUpstream(ctx context.Context, d *Difference) bool {
	if d.Kind != "TTL" {
		return false
	}
	third, ok := c.upstream(ctx)
	if !ok || !sameData(third, &c.ours) {
		return false
	}
	_, _, longer := longerTTL(third, &c.ours)
	return !longer
}
