package forwarder

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

func TestOptionsChecked(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		want    string // in the error
	}{
		{name: "negative workers", options: Options{Workers: -1}, want: "-1 workers"},
		{name: "no address family", options: Options{OnlyIPv4: true, OnlyIPv6: true}, want: "only IPv4 and only IPv6"},
	}
	for _, test := range tests {
		if s, err := New(testConfig(), test.options); s != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: New = %v, %v, want an error with %q", test.name, s, err, test.want)
		}
	}
}

func TestOptionsDefaults(t *testing.T) {
	for pps, want := range map[int]int{0: DefaultUpstreamPPS, 7: 7, Unlimited: 0, -9: 0} {
		if got := (Options{UpstreamPPS: pps}).withDefaults(); got.UpstreamPPS != want || got.Workers <= 0 {
			t.Errorf("withDefaults with UpstreamPPS %d = %d, %d workers, want %d and some workers", pps, got.UpstreamPPS, got.Workers, want)
		}
	}
}

// A configuration that cannot be meant is an error of New, and of a Reload, which
// changes nothing then.
func TestConfigChecked(t *testing.T) {
	forwardTo := func(name, addr string) func(*config.Config) {
		return func(c *config.Config) {
			a, _ := netip.ParseAddrPort(addr)
			c.Zones = append(c.Zones, config.ForwardZone{Name: name, Forwarders: []netip.AddrPort{a}})
		}
	}
	tests := []struct {
		name string
		edit func(*config.Config) // nil: there is none
		want string               // in the error
	}{
		{name: "nil", want: "no configuration"},
		{name: "no listen-on", edit: func(c *config.Config) { c.Listen = nil }, want: "no address to listen on"},
		{name: "zero forwarder", edit: forwardTo("example.", ""), want: `zone "example.": forwarder`},
		{name: "unspecified forwarder", edit: forwardTo("example.", "0.0.0.0:53"), want: "forwarder 0.0.0.0#53"},
		{name: "forwarder without port", edit: forwardTo("example.", "10.79.0.2:0"), want: "forwarder 10.79.0.2#0"},
		{name: "upper-case zone", edit: forwardTo("Example.", "10.79.0.2:53"), want: `zone "Example."`},
		{name: "zone without final dot", edit: forwardTo("example", "10.79.0.2:53"), want: `zone "example"`},
		{name: "no RRset order", edit: func(c *config.Config) { c.RRsetOrder = 77 }, want: "RRset order 77"},
		{name: "EDNS of one octet", edit: func(c *config.Config) { c.EDNS.UDPSize = 1 }, want: "EDNS size 1"},
		{name: "nil record", edit: func(c *config.Config) { c.Local = []config.LocalZone{{Name: "lan.", Records: []dns.RR{nil}}} }, want: `local zone "lan."`},
		{name: "upper-case local zone", edit: func(c *config.Config) { c.Local = []config.LocalZone{{Name: "Lan."}} }, want: `local zone "Lan."`},
		{name: "no address", edit: func(c *config.Config) { c.Sources = []netip.Addr{{}} }, want: "no address to ask from"},
		{name: "any address", edit: func(c *config.Config) { c.Sources = []netip.Addr{netip.IPv6Unspecified()} }, want: "no address to ask from"},
		{name: "too many sources", edit: func(c *config.Config) { c.Sources = make([]netip.Addr, MaxQuerySources+1) }, want: "17 source addresses"},
	}
	s := unserved(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var cfg *config.Config
			if test.edit != nil {
				cfg = testConfig()
				test.edit(cfg)
			}
			if s, err := New(cfg, Options{}); s != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New = %v, %v, want an error with %q", s, err, test.want)
			}
			before := s.state.Load()
			if err := s.Reload(cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Reload = %v, want an error with %q", err, test.want)
			}
			if s.state.Load() != before {
				t.Error("Reload has changed the state, want that of before")
			}
		})
	}
	if st := s.Stats().Reload; st.OK || st.Failed != uint64(len(tests)) {
		t.Errorf("Stats().Reload = %+v, want %d failures", st, len(tests))
	}
}

// What BIND takes for query-source starts, whatever becomes of the questions.
func TestOddSources(t *testing.T) {
	for _, a := range []string{"224.0.0.1", "ff02::1", "::ffff:192.0.2.1", "fe80::1%lo", "255.255.255.255"} {
		t.Run(a, func(t *testing.T) {
			cfg := testConfig()
			cfg.Sources = []netip.Addr{netip.MustParseAddr(a)}
			newUnserved(t, cfg, 1, newFakeNet("10.79.1.10/24").network())
		})
	}
}

func TestServeTwice(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		if err := r.s.Serve(t.Context()); !errors.Is(err, errServing) {
			t.Errorf("the second Serve = %v, want %v", err, errServing)
		}
		r.net.ask(testClient, testServer, false, queryFor(1, "www.example.", dns.TypeA))
		synctest.Wait()
		if got := r.net.got(); len(got) != 1 {
			t.Errorf("%d replies after it, want 1", len(got))
		}
	})
}

// observed is what an Observer was told, as text.
type observed struct {
	mu    sync.Mutex
	lines []string
}

func (o *observed) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

// take returns what was told since the last call.
func (o *observed) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.lines
	o.lines = nil
	return list
}

func (o *observed) observer() Observer {
	about := func(q QueryInfo) string {
		question := q.Question[:len(q.Question)-4]
		return fmt.Sprintf("%v TCP=%v %s", q.Client, q.TCP, wire.NameText(question))
	}
	return Observer{
		Query: func(q QueryInfo) { o.note("query %s", about(q)) },
		Response: func(r ResponseInfo) {
			o.note("response %s %s %v %q", about(r.QueryInfo), dns.RcodeToString[r.Rcode], r.Source, r.Zone)
		},
		Upstream: func(e upstream.Event) { o.note("upstream %v %v", e.Server, e.Kind) },
	}
}

func TestObserver(t *testing.T) {
	const who = "10.1.2.3:5000 TCP=false"
	ask := func(name string, qtype uint16, tcp bool) func(*replay) {
		return func(r *replay) { r.net.ask(testClient, testServer, tcp, queryFor(1, name, qtype)) }
	}
	tests := []struct {
		name string
		do   func(*replay)
		want []string
	}{
		{name: "miss", do: ask("www.Example.", dns.TypeA, false), want: []string{
			"query " + who + " www.Example.", `response ` + who + ` www.Example. NOERROR miss "."`}},
		{name: "hit over TCP", do: ask("www.example.", dns.TypeA, true), want: []string{
			"query 10.1.2.3:5000 TCP=true www.example.", `response 10.1.2.3:5000 TCP=true www.example. NOERROR hit "."`}},
		{name: "rejected", do: ask("www.example.", dns.TypeAXFR, false), want: []string{
			"query " + who + " www.example.", `response ` + who + ` www.example. NOTAUTH local ""`}},
		{name: "refused", do: func(r *replay) {
			r.net.ask(netip.MustParseAddrPort("192.0.2.1:5000"), testServer, false, queryFor(1, "www.example.", dns.TypeA))
		}, want: []string{
			"query 192.0.2.1:5000 TCP=false www.example.", `response 192.0.2.1:5000 TCP=false www.example. REFUSED refused ""`}},
		{name: "exchange", do: func(r *replay) {
			_, _ = r.s.Exchange(context.Background(), new(dns.Msg).SetQuestion("www.example.", dns.TypeA))
		}, want: []string{
			"query invalid AddrPort TCP=false www.example.", `response invalid AddrPort TCP=false www.example. NOERROR hit "."`}},
		{name: "silence", do: func(r *replay) {
			ask("hold.example.", dns.TypeA, false)(r)
			time.Sleep(time.Minute)
		}, want: []string{
			"query " + who + " hold.example.", `upstream 10.79.0.2:53 outage began`, `response ` + who + ` hold.example. SERVFAIL miss "."`,
			`upstream 10.79.0.2:53 outage ended`}}, // found out though nobody asks
		{name: "return", do: ask("back.example.", dns.TypeA, false), want: []string{
			"query " + who + " back.example.", `response ` + who + ` back.example. NOERROR miss "."`}},
	}
	synctest.Test(t, func(t *testing.T) {
		var o observed
		n := newFakeNet("10.79.1.10/24")
		n.auto = echoUpstream
		cfg := testConfig()
		cfg.AllowCache = acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
		r := newReplayWith(t, cfg, n, Options{Workers: 1, UpstreamPPS: Unlimited, Observer: o.observer()})
		for _, test := range tests {
			test.do(r)
			synctest.Wait()
			got := o.take()
			slices.Sort(got) // events and responses come from two goroutines
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: the observer was told\n\t%s\nwant\n\t%s", test.name, strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		}
		r.stop()
	})
}
