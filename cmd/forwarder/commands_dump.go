package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/logging"
)

// dump is one run of dumpdb.
type dump struct {
	*daemon
	ctx  context.Context
	w    io.Writer
	part string // of dumpParts
}

// dumpParts are what dumpdb may be told to write.
var dumpParts = []string{"-all", "-cache", "-zones", "-adb", "-bad", "-expired", "-fail"}

// dumpDB returns when the file is there. (named's does when it is begun.)
func dumpDB(ctx context.Context, d *daemon, args []string) (string, error) {
	d.log(logging.Info, "dumpdb started: %s", strings.Join(args, " "))
	part := "-cache"
	if slices.Contains(dumpParts, argument(args, 0)) {
		part, args = args[0], args[1:]
	}
	for _, view := range args {
		if !d.hasView(view) {
			d.log(logging.Error, "dumpdb failed: not found")
			return fmt.Sprintf("view '%s' not found", view), nil // no error in BIND either
		}
	}
	return d.writing("dumpdb", d.server.Config().Files.Dump, false, func(w io.Writer) error {
		return (&dump{daemon: d, ctx: ctx, w: w, part: part}).write()
	})
}

func (p *dump) print(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }

func (p *dump) heading(text string) { p.print(";\n; %s\n;\n", text) }

// has reports whether one of the parts is wanted.
func (p *dump) has(parts ...string) bool { return slices.Contains(parts, p.part) }

func (p *dump) write() error {
	view := p.server.Config().View
	p.heading("Start view " + view)
	if p.has("-all", "-cache", "-expired") {
		if err := p.cache(view); err != nil {
			return err
		}
	}
	if p.has("-all", "-cache", "-adb") {
		p.servers()
	}
	if p.has("-all", "-cache", "-bad") {
		p.heading("Bad cache")
	}
	if p.has("-all", "-cache", "-fail") {
		p.heading("SERVFAIL cache")
	}
	if p.has("-all", "-zones") {
		p.zones()
	}
	p.print("; Dump complete\n")
	return nil
}

// cache writes the answers as they come: to sort them would take them all into memory.
func (p *dump) cache(view string) error {
	p.heading(fmt.Sprintf("Cache dump of view '%s' (cache %s)", view, view))
	stale := 0.0
	if c := p.server.Config().Cache; c.StaleEnable {
		stale = c.MaxStaleTTL.Seconds()
	}
	p.print("; using a %.0f second stale ttl\n$DATE %s\n", stale, time.Now().UTC().Format("20060102150405"))
	for c := range p.server.Cached() {
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if !c.Beside && (c.TTL > 0 || c.Stale > 0 || p.part == "-expired") {
			p.answer(&c)
		}
	}
	return nil
}

// answer writes those records of an answer that are not in the cache by themselves
// too, as named has each set once.
func (p *dump) answer(c *forwarder.CachedAnswer) {
	m := c.Message()
	if m == nil {
		return
	}
	end := c.Name
	var rrs []dns.RR
	for _, rr := range m.Answer {
		if p.isOwn(c, rr) {
			rrs = append(rrs, rr)
		}
		if alias, ok := rr.(*dns.CNAME); ok && c.Type != dns.TypeCNAME {
			end = dns.CanonicalName(alias.Target)
		}
	}
	p.records("answer", c, rrs)
	if !c.Open && isNegative(m, c.Type) {
		p.negative(c, m, end)
		return
	}
	p.records("authauthority", c, m.Ns)
	p.records("additional", c, m.Extra)
}

// isOwn reports whether no other answer in the cache has a record of c.
func (p *dump) isOwn(c *forwarder.CachedAnswer, rr dns.RR) bool {
	name, rtype := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype
	switch {
	case name == c.Name && rtype != dns.TypeCNAME:
		return true
	case name != c.Name:
		return rtype == dns.TypeRRSIG || !p.server.IsCached(name, c.Type)
	}
	// It is in the answers for all types that were asked for: one will do.
	return c.Type == dns.TypeCNAME || c.TTL <= 0 || !slices.ContainsFunc([]uint16{dns.TypeCNAME, dns.TypeA}, func(first uint16) bool {
		return c.Type != first && c.Type != dns.TypeA && p.server.IsCached(name, first)
	})
}

// isNegative reports whether an answer has nothing of the type at its end (RFC 2308,
// 2).
func isNegative(m *dns.Msg, qtype uint16) bool {
	return m.Rcode == dns.RcodeNameError || !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == qtype || qtype == dns.TypeANY
	})
}

func (p *dump) trust(what string, c *forwarder.CachedAnswer) {
	p.print("; %s\n", what)
	switch {
	case c.TTL > 0:
	case c.Stale > 0:
		p.print("; stale (will be retained for %.0f more seconds)\n", c.Stale.Seconds())
	default:
		p.print("; expired (awaiting cleanup)\n")
	}
}

func (p *dump) records(trust string, c *forwarder.CachedAnswer, rrs []dns.RR) {
	if len(rrs) == 0 {
		return
	}
	p.trust(trust, c)
	for _, rr := range rrs {
		p.print("%s\n", rr)
	}
}

// negative writes what there is not, and in comments the proof of it.
func (p *dump) negative(c *forwarder.CachedAnswer, m *dns.Msg, end string) {
	if end != c.Name && p.server.IsCached(end, c.Type) {
		return
	}
	ttl := uint32(max(0, c.TTL) / time.Second)
	for _, rr := range m.Ns {
		ttl = min(ttl, rr.Header().Ttl)
	}
	what, rtype := "-$NXRRSET", dns.Type(c.Type).String()
	if m.Rcode == dns.RcodeNameError {
		what, rtype = "-$NXDOMAIN", "ANY"
	}
	p.trust("answer", c)
	p.print("%s\t%d\tIN\t\\-%s\t;%s\n", end, ttl, rtype, what)
	for _, rr := range m.Ns {
		data := strings.TrimPrefix(rr.String(), rr.Header().String())
		p.print("; %s %s %s\n", rr.Header().Name, dns.Type(rr.Header().Rrtype), data)
	}
}

// servers has BIND's lines for what is known of servers. srtt is in microseconds.
func (p *dump) servers() {
	p.heading("Address database dump")
	p.print("; [edns success/timeout]\n; [plain success/timeout]\n;\n;\n; Unassociated entries\n;\n")
	for _, s := range p.server.Stats().Upstream.Servers {
		p.print(";\t%s [srtt %d] [flags 00000000] [edns %d/%d] [plain 0/0]\n", s.Addr.Addr(), s.SRTT.Microseconds(), s.Answered, s.TimedOut)
	}
}

func (p *dump) zones() {
	for _, z := range p.server.Config().Local {
		p.heading(fmt.Sprintf("Zone dump of '%s/IN'", trimDot(z.Name)))
		for _, rr := range z.Records {
			p.print("%s\n", rr)
		}
	}
}
