package vpcresolver

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, true)
		exchange(r, query("myservice"+domain, dns.TypeA))
		if got := r.Recorded(); len(got) != 0 {
			t.Errorf("Recorded() before Record() = %v, want none", got)
		}
		r.Record()
		begun := time.Now()
		time.Sleep(3 * time.Second)
		exchange(r, query("MyService"+domain, dns.TypeA))
		r.SetFaults(".", Faults{Drop: 1})
		exchange(r, query("db"+domain, dns.TypeA))
		want := []Query{
			{
				At: begun.Add(3 * time.Second), From: udpClient.AddrPort(), Name: "myservice" + domain,
				Answered: begun.Add(3 * time.Second), TTL: 7 * time.Second, Address: netip.MustParseAddr("10.79.252.13"),
			},
			{At: begun.Add(3 * time.Second), From: udpClient.AddrPort(), Name: "db" + domain},
		}
		got := r.Recorded()
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("Recorded() = %+v, want %+v", got, want)
		}
	})
}

func TestPeakAndBetween(t *testing.T) {
	begun := time.Now()
	var queries []Query
	for _, ms := range []int{0, 900, 950, 1000, 1850, 1950, 5000} {
		queries = append(queries, Query{At: begun.Add(time.Duration(ms) * time.Millisecond)})
	}
	if got := Peak(queries, time.Second); got != 4 { // 900 to 1850
		t.Errorf("Peak() = %d, want 4", got)
	}
	if got := Peak(nil, time.Second); got != 0 {
		t.Errorf("Peak(nil) = %d, want 0", got)
	}
	if got := Between(queries, begun.Add(900*time.Millisecond), begun.Add(1950*time.Millisecond)); len(got) != 4 {
		t.Errorf("Between(0.9 s, 1.95 s) = %d queries, want 4", len(got))
	}
}

func TestJitterAndDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, false)
		r.SetFaults(".", Faults{Delay: time.Second, Jitter: time.Second, Duplicate: 1})
		took := map[time.Duration]bool{}
		for range 20 {
			w, begun := &counter{recorder: recorder{client: udpClient}}, time.Now()
			r.ServeDNS(w, query("myservice"+domain, dns.TypeA))
			d := time.Since(begun)
			if d < time.Second || d > 2*time.Second || w.replies != 2 {
				t.Errorf("%d replies after %v, want 2 after 1 to 2 s", w.replies, d)
			}
			took[d] = true
		}
		if len(took) < 10 {
			t.Errorf("20 answers took %d different times, want most of them to differ", len(took))
		}
	})
}

// counter is a client that counts its replies.
type counter struct {
	recorder
	replies int
}

func (w *counter) WriteMsg(*dns.Msg) error { w.replies++; return nil }
