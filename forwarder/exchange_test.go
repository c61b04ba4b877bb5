package forwarder

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
)

// An exchange has the sources that a client's query has, and no access list turns
// it away.
func TestExchange(t *testing.T) {
	soa, err := dns.NewRR("lan. 60 IN SOA lan. lan. 1 1 1 1 1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Local = []config.LocalZone{{Name: "lan.", Records: []dns.RR{soa}, AllowQuery: acl.None()}}
	cfg.AllowQuery, cfg.AllowCache, cfg.AllowRecurse, cfg.Blackhole = acl.None(), acl.None(), acl.None(), acl.List{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
	tests := []struct {
		name   string
		qname  string
		qtype  uint16
		rcode  int
		source Source
	}{
		{name: "miss", qname: "www.example.", qtype: dns.TypeA, source: SourceMiss},
		{name: "hit", qname: "www.example.", qtype: dns.TypeA, source: SourceHit},
		{name: "local zone", qname: "lan.", qtype: dns.TypeSOA, source: SourceLocal},
		{name: "too large for UDP", qname: "big.example.", qtype: dns.TypeTXT, source: SourceMiss},
		{name: "rejected", qname: "www.example.", qtype: dns.TypeAXFR, rcode: dns.RcodeNotAuth, source: SourceLocal},
	}
	virtual(t, cfg, func(t *testing.T, r *replay) {
		counts := make(map[Source]uint64)
		for _, test := range tests {
			q := new(dns.Msg).SetQuestion(test.qname, test.qtype)
			m, err := r.s.Exchange(t.Context(), q)
			if err != nil {
				t.Errorf("%s: Exchange = %v", test.name, err)
				continue
			}
			if m.Id != q.Id || m.Rcode != test.rcode || m.Truncated || (len(m.Answer) > 0) != (test.rcode == dns.RcodeSuccess) {
				t.Errorf("%s: Exchange =\n%v\nwant %s with all records", test.name, m, dns.RcodeToString[test.rcode])
			}
			synctest.Wait()
			counts[test.source]++
			if got := r.s.countsOf("exchange"); !maps.Equal(got, counts) {
				t.Errorf("%s: counted %v, want %v", test.name, got, counts)
			}
		}
	})
}

// countsOf returns the replies over a transport by source.
func (s *Server) countsOf(transport string) map[Source]uint64 {
	counts := make(map[Source]uint64)
	for _, c := range s.Stats().Queries {
		if c.Transport == transport {
			counts[c.Source] += c.Count
		}
	}
	return counts
}

// What ends an exchange without a response.
func TestExchangeFails(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*config.Config)
		query *dns.Msg
		want  error
	}{
		{name: "context ends", query: new(dns.Msg).SetQuestion("hold.example.", dns.TypeA), want: context.DeadlineExceeded},
		{name: "dropped by fetches-per-zone", query: new(dns.Msg).SetQuestion("hold.example.", dns.TypeA), want: errDropped,
			edit: func(c *config.Config) { c.Limits.FetchesPerZone = config.Quota{Max: 1, Drop: true} }},
		{name: "a response", query: &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}}, want: errNoQuery},
		{name: "no message", query: new(dns.Msg).SetQuestion(strings.Repeat("a", 64)+".example.", dns.TypeA)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			if test.edit != nil {
				test.edit(cfg)
			}
			virtual(t, cfg, func(t *testing.T, r *replay) {
				r.net.ask(testClient, testServer, false, queryFor(1, "hold0.example.", dns.TypeA))
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				m, err := r.s.Exchange(ctx, test.query)
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("Exchange = %v, %v, want %v", m, err, test.want)
				}
				time.Sleep(config.MaxClientWait) // upstream's silence ends what waits
				synctest.Wait()
				if n := r.s.waiters.n.Load(); n != 0 {
					t.Errorf("%d queries wait for an answer, want 0", n)
				}
			})
		})
	}
}

// Before Serve an exchange waits for it.
func TestExchangeBeforeServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, q := unserved(t), new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		if m, err := s.Exchange(ctx, q); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before Serve: Exchange = %v, %v, want %v", m, err, context.DeadlineExceeded)
		}
		time.AfterFunc(time.Second, func() { serve(t, s) })
		if m, err := s.Exchange(t.Context(), q); err != nil || len(m.Answer) == 0 {
			t.Errorf("a second before Serve: Exchange = %v, %v, want an answer", m, err)
		}
		synctest.Wait() // for serve to return
	})
}

// After the end there is none, not even from the cache.
func TestExchangeAfterEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		r.stop()
		for range 20 {
			if m, err := r.s.Exchange(t.Context(), new(dns.Msg).SetQuestion("www.example.", dns.TypeA)); !errors.Is(err, errStopped) {
				t.Fatalf("Exchange = %v, %v, want %v", m, err, errStopped)
			}
		}
	})
}
