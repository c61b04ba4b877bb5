package forwarder

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
)

// TestRateLimit: each row sends replies of one kind at given times, and wants
// for each p (pass), d (drop) or s (slip).
func TestRateLimit(t *testing.T) {
	config := func(edit func(*RateLimit)) *RateLimit {
		c := &RateLimit{ResponsesPerSecond: 2, ErrorsPerSecond: 2, Window: 5, Slip: 2, IPv4PrefixLen: 24, IPv6PrefixLen: 56, MaxTableSize: 100}
		if edit != nil {
			edit(c)
		}
		return c
	}
	from := func(addr string) netip.Addr { return netip.MustParseAddr(addr) }
	a, neighbour, b := from("10.1.2.3"), from("10.1.2.99"), from("10.1.3.3")
	type replies struct {
		at   time.Duration
		addr netip.Addr
		kind replyKind
		name string
		want string
	}
	tests := []struct {
		name   string
		cfg    *RateLimit
		course []replies
	}{
		{"slip 2", config(nil), []replies{{0, a, kindResponse, "x", "ppsdsds"}}},
		{"slip 3", config(func(c *RateLimit) { c.Slip = 3 }), []replies{{0, a, kindResponse, "x", "ppsddsdds"}}},
		{"slip 1", config(func(c *RateLimit) { c.Slip = 1 }), []replies{{0, a, kindResponse, "x", "ppssss"}}},
		{"slip 0", config(func(c *RateLimit) { c.Slip = 0 }), []replies{{0, a, kindResponse, "x", "ppdddd"}}},
		{"errors never slip", config(nil), []replies{{0, a, kindError, "", "ppdddd"}}},
		{"a kind without a rate", config(nil), []replies{{0, a, kindNodata, "x", "pppppp"}}},
		{"by block, kind and name", config(nil), []replies{
			{0, a, kindResponse, "x", "pp"}, {0, neighbour, kindResponse, "x", "s"}, {0, a, kindResponse, "y", "pps"},
			{0, b, kindResponse, "x", "pps"}, {0, a, kindError, "", "pp"},
		}},
		{"IPv6 by /56", config(nil), []replies{
			{0, from("2001:db8:0:1::1"), kindResponse, "x", "pp"}, {0, from("2001:db8:0:ff::1"), kindResponse, "x", "s"},
			{0, from("2001:db8:0:100::1"), kindResponse, "x", "pp"},
		}},
		{"credit comes back", config(nil), []replies{
			{0, a, kindResponse, "x", "pps"}, {500 * time.Millisecond, a, kindResponse, "x", "d"},
			{2 * time.Second, a, kindResponse, "x", "pps"},
		}},
		{"debt ends with the window", config(nil), []replies{
			{0, a, kindResponse, "x", "pp" + strings.Repeat("sd", 50)},
			{4 * time.Second, a, kindResponse, "x", "sdsd"},
			{11 * time.Second, a, kindResponse, "x", "pps"},
		}},
		{"all-per-second", config(func(c *RateLimit) { c.AllPerSecond = 4 }), []replies{
			{0, a, kindResponse, "x", "ppsd"}, {0, a, kindResponse, "y", "dd"}, {0, b, kindResponse, "y", "p"},
		}},
		{"exempt-clients", config(func(c *RateLimit) { c.Exempt = acl.List{{Prefix: netip.MustParsePrefix("10.1.2.0/28")}} }), []replies{
			{0, a, kindResponse, "x", "pppppp"}, {0, neighbour, kindResponse, "x", "pps"},
		}},
		{"qps-scale", config(func(c *RateLimit) { c.ResponsesPerSecond, c.QPSScale = 10, 5 }), []replies{
			{0, a, kindResponse, "x", "pppppppppp"}, {time.Second, b, kindResponse, "y", "pppp"}, {time.Second, b, kindResponse, "y", "s"},
		}},
		{"a full table forgets", config(func(c *RateLimit) { c.MaxTableSize = 1 }), []replies{
			{0, a, kindResponse, "x", "pps"}, {0, a, kindResponse, "y", "p"}, {0, a, kindResponse, "x", "pp"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRateLimit(test.cfg, acl.Env{})
			for i, c := range test.course {
				got := ""
				for range c.want {
					s, _ := r.judge(c.at, c.addr, c.kind, []byte(c.name))
					got += [...]string{pass: "p", drop: "d", slip: "s"}[s]
				}
				if got != c.want {
					t.Errorf("step %d: %s, want %s", i, got, c.want)
				}
			}
		})
	}
}

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
		{"limited", false, 2 * blocks, blocks, blocks, `level=INFO msg="limit responses to 10.0.0.0/24 for www.example IN A"`},
		{"log-only", true, 3 * blocks, 0, 0, `level=INFO msg="would limit responses to 10.0.0.0/24 for www.example IN A"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.RateLimit = RateLimit{ResponsesPerSecond: 1, Window: 5, Slip: 2, IPv4PrefixLen: 24, MaxTableSize: 100, LogOnly: test.logOnly}
			virtual(t, cfg, func(t *testing.T, r *replay) {
				var lines bytes.Buffer
				r.s.logs.rateLimit = slog.New(slog.NewTextHandler(&lines, nil))
				for i := range 3 * blocks {
					peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % blocks), 1}), 5000)
					r.net.ask(peer, testServer, false, queryFor(uint16(i), "www.example.", dns.TypeA)[2:])
					synctest.Wait()
				}
				st := r.s.Stats()
				if n := len(r.net.got()); n != test.replies || st.Limited != test.limited || st.Slipped != test.slipped {
					t.Errorf("%d replies, %d limited, %d slipped, want %d, %d, %d", n, st.Limited, st.Slipped, test.replies, test.limited, test.slipped)
				}
				if n := strings.Count(lines.String(), "\n"); n != maxRateLines || !strings.Contains(lines.String(), test.line) {
					t.Errorf("%d lines, want %d with %s:\n%s", n, maxRateLines, test.line, &lines)
				}
			})
		})
	}
}
