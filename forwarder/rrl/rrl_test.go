package rrl

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/acl"
)

// TestDebit: each row sends replies of one kind at given times, and wants
// for each p (pass), d (drop) or s (slip).
func TestDebit(t *testing.T) {
	config := func(edit func(*Config)) *Config {
		c := &Config{ResponsesPerSecond: 2, ErrorsPerSecond: 2, Window: 5, Slip: 2, IPv4PrefixLen: 24, IPv6PrefixLen: 56, MaxTableSize: 100}
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
		kind Kind
		name string
		want string
	}
	tests := []struct {
		name   string
		cfg    *Config
		course []replies
	}{
		{"slip 2", config(nil), []replies{{0, a, Response, "x", "ppsdsds"}}},
		{"slip 3", config(func(c *Config) { c.Slip = 3 }), []replies{{0, a, Response, "x", "ppsddsdds"}}},
		{"slip 1", config(func(c *Config) { c.Slip = 1 }), []replies{{0, a, Response, "x", "ppssss"}}},
		{"slip 0", config(func(c *Config) { c.Slip = 0 }), []replies{{0, a, Response, "x", "ppdddd"}}},
		{"errors never slip", config(nil), []replies{{0, a, Error, "", "ppdddd"}}},
		{"a kind without a rate", config(nil), []replies{{0, a, Nodata, "x", "pppppp"}}},
		{"by block, kind and name", config(nil), []replies{
			{0, a, Response, "x", "pp"}, {0, neighbour, Response, "x", "s"}, {0, a, Response, "y", "pps"},
			{0, b, Response, "x", "pps"}, {0, a, Error, "", "pp"},
		}},
		{"IPv6 by /56", config(nil), []replies{
			{0, from("2001:db8:0:1::1"), Response, "x", "pp"}, {0, from("2001:db8:0:ff::1"), Response, "x", "s"},
			{0, from("2001:db8:0:100::1"), Response, "x", "pp"},
		}},
		{"credit comes back", config(nil), []replies{
			{0, a, Response, "x", "pps"}, {500 * time.Millisecond, a, Response, "x", "d"},
			{2 * time.Second, a, Response, "x", "pps"},
		}},
		{"debt ends with the window", config(nil), []replies{
			{0, a, Response, "x", "pp" + strings.Repeat("sd", 50)},
			{4 * time.Second, a, Response, "x", "sdsd"},
			{11 * time.Second, a, Response, "x", "pps"},
		}},
		{"all-per-second", config(func(c *Config) { c.AllPerSecond = 4 }), []replies{
			{0, a, Response, "x", "ppsd"}, {0, a, Response, "y", "dd"}, {0, b, Response, "y", "p"},
		}},
		{"exempt-clients", config(func(c *Config) { c.Exempt = acl.List{{Prefix: netip.MustParsePrefix("10.1.2.0/28")}} }), []replies{
			{0, a, Response, "x", "pppppp"}, {0, neighbour, Response, "x", "pps"},
		}},
		{"qps-scale", config(func(c *Config) { c.ResponsesPerSecond, c.QPSScale = 10, 5 }), []replies{
			{0, a, Response, "x", "pppppppppp"}, {time.Second, b, Response, "y", "pppp"}, {time.Second, b, Response, "y", "s"},
		}},
		{"a full table forgets", config(func(c *Config) { c.MaxTableSize = 1 }), []replies{
			{0, a, Response, "x", "pps"}, {0, a, Response, "y", "p"}, {0, a, Response, "x", "pp"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := New(*test.cfg, acl.Env{})
			for i, c := range test.course {
				got := ""
				for range c.want {
					s, _ := r.Debit(c.at, c.addr, c.kind, []byte(c.name))
					got += [...]string{Pass: "p", Drop: "d", Slip: "s"}[s]
				}
				if got != c.want {
					t.Errorf("step %d: %s, want %s", i, got, c.want)
				}
			}
		})
	}
}

// Who is limited stays so when interfaces change.
func TestWithEnv(t *testing.T) {
	cfg := Config{ResponsesPerSecond: 1, Window: 5, IPv4PrefixLen: 32, MaxTableSize: 10, Exempt: acl.List{{Kind: acl.Localhost}}}
	client := netip.MustParseAddr("10.1.2.3")
	r := New(cfg, acl.Env{})
	for range 5 {
		r.Debit(0, client, Response, nil)
	}
	if what, _ := r.WithEnv(acl.Env{}).Debit(0, client, Response, nil); what != Drop {
		t.Errorf("Debit after a change = %v, want %v", what, Drop)
	}
	if what, _ := r.WithEnv(acl.Env{Localhost: []netip.Addr{client}}).Debit(0, client, Response, nil); what != Pass {
		t.Errorf("Debit of a client that is exempt since = %v, want %v", what, Pass)
	}
	if (*Limiter)(nil).WithEnv(acl.Env{}) != nil {
		t.Error("WithEnv of no Limiter is one")
	}
}

// TestBursts: a burst begins once and is over when it was quiet for a minute and
// its debt is paid; one that is crowded out is over before.
func TestBursts(t *testing.T) {
	a, b := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.1.3.3")
	cfg := Config{ResponsesPerSecond: 1, Window: 120, IPv4PrefixLen: 32, MaxTableSize: 1}
	r := New(cfg, acl.Env{})
	limit := func(at time.Duration, addr netip.Addr, replies int) (begun int) {
		for range replies {
			if _, burst := r.Debit(at, addr, Response, nil); burst != nil {
				begun++
				r.Describe(burst, addr.String())
			}
		}
		return begun
	}
	check := func(at time.Duration, want ...Over) {
		t.Helper()
		if got := r.Over(at); !slices.Equal(got, want) {
			t.Errorf("Over(%v) = %v, want %v", at, got, want)
		}
	}
	if n := limit(0, a, 2) + limit(10*time.Second, a, 100); n != 1 {
		t.Errorf("%d bursts begin, want 1", n)
	}
	check(69 * time.Second)
	check(71 * time.Second) // a debt of 90 is left
	check(200*time.Second, Over{Text: a.String()})
	check(300 * time.Second)
	if n := limit(300*time.Second, a, 2); n != 1 {
		t.Errorf("%d bursts begin anew, want 1", n)
	}
	limit(301*time.Second, b, 1) // takes the place of a's
	check(301*time.Second, Over{Text: a.String(), Early: true})
	limit(301*time.Second, b, 1)
	if got := r.Forget(); !slices.Equal(got, []Over{{b.String(), true}}) {
		t.Errorf("Forget() = %v, want b's", got)
	}
	if n := len((*Limiter)(nil).Over(0)) + len((*Limiter)(nil).Forget()); n != 0 {
		t.Errorf("no Limiter has %d bursts", n)
	}
}

// Bursts whose end is to be told are bounded, however long all of them last.
func TestBurstsAreBounded(t *testing.T) {
	r := New(Config{ResponsesPerSecond: 1, Window: 1, IPv4PrefixLen: 32, MaxTableSize: 10 * maxBursts}, acl.Env{})
	now := time.Duration(0)
	begun := 0
	for i := range 5 * maxBursts {
		now += time.Second / 10 // no more than MaxLines a second
		for range 3 {
			if _, b := r.Debit(now, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Response, nil); b != nil {
				begun++
			}
		}
	}
	if begun != maxBursts {
		t.Errorf("%d bursts, want %d", begun, maxBursts)
	}
}
