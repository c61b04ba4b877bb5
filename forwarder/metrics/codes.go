package metrics

import (
	"fmt"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/upstream"
)

// collectUpstreamRcodes sends the usual ones from the start.
func collectUpstreamRcodes(st *forwarder.Stats, e emitter) {
	usual := map[int]bool{dns.RcodeSuccess: true, dns.RcodeServerFailure: true, dns.RcodeNameError: true, dns.RcodeRefused: true}
	for i := range st.Upstream.Servers {
		s := &st.Upstream.Servers[i]
		for rcode, n := range s.Rcodes {
			if n > 0 || usual[rcode] {
				e.value(float64(n), s.Addr.String(), rcodeText(rcode))
			}
		}
	}
}

func rcodeText(rcode int) string {
	switch rcode {
	case dns.RcodeBadVers: // miekg/dns says BADSIG, which only TSIG knows
		return "BADVERS"
	case upstream.NumRcodes:
		return "other"
	}
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return fmt.Sprintf("RCODE%d", rcode)
}

// collectUpstreamTypes sends those that were asked for.
func collectUpstreamTypes(st *forwarder.Stats, e emitter) {
	last := len(st.Upstream.Types) - 1
	for t, n := range st.Upstream.Types {
		switch {
		case n == 0:
		case t == last:
			e.value(float64(n), "other")
		default:
			e.value(float64(n), dns.Type(t).String())
		}
	}
}
