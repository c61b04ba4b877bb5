package forwarder

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/rrl"
)

// TestRateLimitLog: that a block begins to be limited is logged once, with
// log-only too, and not more than some of very many. All is counted.
func TestRateLimitLog(t *testing.T) {
	const blocks = 20 // that get three replies each: one is above the rate and slips, one is dropped
	tests := []struct {
		name             string
		logOnly          bool
		replies          int
		limited, slipped uint64
		line             string
	}{
		{name: "limited", replies: 2 * blocks, limited: blocks, slipped: blocks, line: `level=INFO msg="limit responses to 10.0.0.0/24 for www.example IN A"`},
		{name: "log-only", logOnly: true, replies: 3 * blocks, line: `level=INFO msg="would limit responses to 10.0.0.0/24 for www.example IN A"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.RateLimit = config.RateLimit{ResponsesPerSecond: 1, Window: 5, Slip: 2, IPv4PrefixLen: 24, MaxTableSize: 100, LogOnly: test.logOnly}
			virtual(t, cfg, func(t *testing.T, r *replay) {
				var lines bytes.Buffer
				r.s.logs.rateLimit = slog.New(slog.NewTextHandler(&lines, nil))
				for i := range 3 * blocks {
					peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % blocks), 1}), 5000)
					r.net.ask(peer, testServer, false, queryFor(uint16(i), "www.example.", dns.TypeA))
					synctest.Wait()
				}
				st := r.s.Stats()
				if n := len(r.net.got()); n != test.replies || st.Limited != test.limited || st.Slipped != test.slipped {
					t.Errorf("%d replies, %d limited, %d slipped, want %d, %d, %d", n, st.Limited, st.Slipped, test.replies, test.limited, test.slipped)
				}
				if n := strings.Count(lines.String(), "\n"); n != rrl.MaxLines || !strings.Contains(lines.String(), test.line) {
					t.Errorf("%d lines, want %d with %s:\n%s", n, rrl.MaxLines, test.line, &lines)
				}
			})
		})
	}
}
