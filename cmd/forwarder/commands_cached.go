package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/rndc"
)

func cachedCommands() []command {
	return []command{
		{name: "cache", args: "name [type]", summary: "Show each cached answer that the name has a part in: records, TTL left, when and from where it came, hits", readOnly: true, run: showCached},
	}
}

// maxShown is how many answers one command shows: a name that a zone has in all its
// denials is in very many.
const maxShown = 200

// maxShownText is how much text there may be for one more answer to fit into a reply,
// a megabyte: an answer of 64 kB has four times as many characters.
const maxShownText = 700_000

// showCached walks the cache, as a flush does.
func showCached(ctx context.Context, d *daemon, args []string) (string, error) {
	name, err := nameArgument(args)
	if err != nil {
		return "", err
	}
	qtype, err := typeArgument(argument(args, 1))
	if err != nil {
		return "", err
	}
	list, more := d.cachedOf(ctx, name, qtype)
	var b strings.Builder
	b.WriteString(d.servedHere(name))
	for i := range list {
		if b.Len() > maxShownText {
			more += len(list) - i
			break
		}
		b.WriteString(d.describe(&list[i]))
	}
	if more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	if b.Len() == 0 {
		return "", rndc.NotFound.With("no cached answer has " + strings.TrimSuffix(name, ".") + ".")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// typeArgument reads a record type; 0 is any.
func typeArgument(word string) (uint16, error) {
	upper := strings.ToUpper(word)
	if t, ok := dns.StringToType[upper]; ok || word == "" {
		return t, nil
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(upper, "TYPE"), 10, 16); err == nil && strings.HasPrefix(upper, "TYPE") {
		return uint16(n), nil
	}
	return 0, rndc.Unknown.With(fmt.Sprintf("unknown type '%s'", word))
}

// cachedOf returns the answers that a name has a part in, in order, and how many more
// there are.
func (d *daemon) cachedOf(ctx context.Context, name string, qtype uint16) (list []forwarder.CachedAnswer, more int) {
	for c := range d.server.Cached() {
		switch {
		case ctx.Err() != nil:
			return list, more
		case qtype != 0 && c.Type != qtype && c.Type != 0, !c.Has(name), c.Beside:
		case len(list) == maxShown:
			more++
		default:
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b forwarder.CachedAnswer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return list, more
}

// servedHere says which zone here has the name, if one has.
func (d *daemon) servedHere(name string) string {
	zone := servingZone(d.server.Config(), dns.CanonicalName(name))
	if zone == "" {
		return ""
	}
	return fmt.Sprintf("%s is answered from the zone %s here, not from the cache\n", dns.CanonicalName(name), zone)
}

// describe writes an answer and its records.
func (d *daemon) describe(c *forwarder.CachedAnswer) string {
	m := c.Message()
	if m == nil {
		return ""
	}
	rtype := "any type"
	if c.Type != 0 {
		rtype = dns.Type(c.Type).String()
	}
	words := []string{kindOf(m), d.freshness(c), "asked " + since(c.Stored) + " ago of " + serverText(c.Server), hitsText(c.Hits)}
	for word, is := range map[string]bool{"the chain goes on elsewhere": c.Open, "signed": c.Signed, "asked without validation (CD)": c.CD} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words[4:])
	return fmt.Sprintf("%s %s: %s\n%s", c.Name, rtype, strings.Join(words, ", "), recordLines(m))
}

func recordLines(m *dns.Msg) string {
	var b strings.Builder
	for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			fmt.Fprintf(&b, "  %s\n", rr)
		}
	}
	return b.String()
}

// kindOf is an answer's class in the words of RFC 9499.
func kindOf(m *dns.Msg) string {
	qtype := m.Question[0].Qtype
	has := slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == qtype || qtype == dns.TypeANY || rr.Header().Rrtype == dns.TypeCNAME && len(m.Ns) == 0
	})
	if m.Rcode == dns.RcodeSuccess && !has {
		return "NODATA"
	}
	return dns.RcodeToString[m.Rcode]
}

func (d *daemon) freshness(c *forwarder.CachedAnswer) string {
	switch {
	case c.TTL > 0:
		return "fresh for " + since(c.TTL)
	case c.Stale <= 0:
		return "expired"
	case d.server.ServesStale():
		return "stale, and may be given for " + since(c.Stale)
	}
	return "stale, kept for " + since(c.Stale) + ", and not given (serve-stale)"
}

// serverText is a server in BIND's notation.
func serverText(a netip.AddrPort) string {
	if !a.IsValid() {
		return "an unknown server"
	}
	return host.Address(a)
}

// exactHits is up to where hits are counted one by one.
const exactHits = 16

func hitsText(n uint64) string {
	switch {
	case n == 0:
		return "no hit"
	case n == 1:
		return "1 hit"
	case n <= exactHits:
		return fmt.Sprintf("%d hits", n)
	}
	return fmt.Sprintf("about %d hits", n)
}

// since is a duration in seconds, as TTLs are: with tenths up to ten.
func since(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
