package vpcresolver

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/route53"
)

const (
	vpc   = "vpc-0a1b2c3d"
	moves = "moves" + domain
)

// newPair returns a Resolver that follows a private zone in Route 53's
// stand-in, whose servers have changes after these delays.
func newPair(t *testing.T, delays ...time.Duration) (*Resolver, *route53.Server) {
	t.Helper()
	authority := route53.New(route53.Options{Delays: delays})
	_, err := authority.AddZone(route53.Zone{
		ID: "Z1", Name: domain[1:], VPCs: []route53.VPC{{VPCRegion: "eu-central-1", VPCId: vpc}},
		Records: []route53.RecordSet{
			route53.Simple(moves, "A", 10, "10.79.252.13"),
			route53.Alias("*.now."+moves, "A", "Z1", moves),
			route53.Simple("alias"+domain, "CNAME", 60, moves),
			route53.Simple("mail"+domain, "MX", 60, "10 "+moves),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newResolver(t, true)
	r.Follow(authority.Authority(vpc))
	return r, authority
}

// addresses of a reply, "" for none.
func addressesOf(m *dns.Msg) string {
	var list []string
	for _, rr := range slices.Concat(m.Answer, m.Extra) {
		if a, ok := rr.(*dns.A); ok {
			list = append(list, a.A.String())
		}
	}
	return strings.Join(list, " ")
}

func (r *Resolver) address(name string) string {
	return addressesOf(exchange(r, query(name, dns.TypeA)))
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, authority := newPair(t)
		for _, name := range []string{moves, "Moves" + domain, "alias" + domain, "x1.now." + moves, "a.b.now." + moves} {
			if got := r.address(name); got != "10.79.252.13" {
				t.Errorf("%s = %q, want 10.79.252.13", name, got)
			}
		}
		if got := addressesOf(exchange(r, query("mail"+domain, dns.TypeMX))); got != "10.79.252.13" {
			t.Errorf("the MX brings the address %q, want 10.79.252.13", got)
		}
		if got := r.address("www.example.com."); got == "" {
			t.Error("a name in the zone file alone has no address")
		}
		if got := exchange(r, query("stable"+domain, dns.TypeA)); got.Rcode != dns.RcodeNameError || len(got.Ns) != 1 {
			t.Errorf("a name that the followed zone has not: %v, want NXDOMAIN with its SOA", got)
		}
		if got := exchange(r, query("now."+moves, dns.TypeA)); got.Rcode != dns.RcodeSuccess || len(got.Answer) != 0 {
			t.Errorf("an empty non-terminal: %v, want NODATA", got)
		}
		if err := authority.Put("Z1", route53.Simple(moves, "A", 10, "10.79.252.14")); err != nil {
			t.Fatal(err)
		}
		if cached, fresh := r.address(moves), r.address("x2.now."+moves); cached != "10.79.252.13" || fresh != "10.79.252.14" {
			t.Errorf("after the change: %s, and %s below a fresh label, want the old and the new", cached, fresh)
		}
		time.Sleep(10 * time.Second)
		if got := r.address(moves); got != "10.79.252.14" {
			t.Errorf("after its TTL: %s, want the new address", got)
		}
		r.Follow(nil)
		r.FlushCache()
		if got := r.address("stable" + domain); got == "" {
			t.Error("a name of the zone file is not there after Follow(nil)")
		}
	})
}

// The addresses beside an answer are those of the target's own source.
func TestAdditionalAddressesFollow(t *testing.T) {
	r, authority := newPair(t)
	err := r.Set("svc.example. 60 IN SRV 0 0 80 "+moves, "svc.example. 60 IN HTTPS 1 "+moves, "svc.example. 60 IN SVCB 1 "+moves, "svc.example. 60 IN MX 1 "+moves)
	if err != nil {
		t.Fatal(err)
	}
	change(t, authority, "10.79.252.14")
	for _, rrtype := range []uint16{dns.TypeSRV, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeMX} {
		if got := addressesOf(exchange(r, query("svc.example.", rrtype))); got != "10.79.252.14" {
			t.Errorf("%s brings the address %q, want 10.79.252.14", dns.TypeToString[rrtype], got)
		}
	}
}

// A name that changes for days is not remembered for ever.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, false)
		for i := range 100 {
			if err := r.Set(fmt.Sprintf("%s 10 IN A 10.0.0.%d", moves, i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if got := len(r.recursor.zone.sets[rrset{moves, dns.TypeA}]); got > 13 {
			t.Errorf("%d versions are known, want those of ten minutes", got)
		}
		r.SetFaults(moves, Faults{Stale: 10 * time.Minute})
		if got := r.address(moves); got != "10.0.0.90" {
			t.Errorf("ten minutes late it has %s, want 10.0.0.90", got)
		}
	})
}

// While some servers are old, cache misses meet either kind.
func TestServersThatDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, authority := newPair(t, 0, 20*time.Second)
		change(t, authority, "10.79.252.14")
		seen := func() string {
			found := map[string]bool{}
			for i := range 60 {
				found[r.address(strings.Repeat("x", i+1)+".now."+moves)] = true
			}
			r.FlushCache()
			return keys(found)
		}
		if got := seen(); got != "10.79.252.13 10.79.252.14" {
			t.Errorf("while one of two servers is old: %s, want both", got)
		}
		time.Sleep(20 * time.Second)
		if got := seen(); got != "10.79.252.14" {
			t.Errorf("after 20 s: %s, want the new address alone", got)
		}
	})
}

func keys(set map[string]bool) string {
	var list []string
	for k := range set {
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// change has the API change the name's address.
func change(t *testing.T, authority *route53.Server, address string) {
	t.Helper()
	if _, err := authority.Change("Z1", route53.Simple(moves, "A", 10, address)); err != nil {
		t.Fatal(err)
	}
}

func TestFlap(t *testing.T) {
	for _, followed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { testFlap(t, followed) })
	}
}

func testFlap(t *testing.T, followed bool) {
	r, authority := newPair(t)
	set := func(address string) {
		change(t, authority, address)
		if err := r.Set(moves + " 10 IN A " + address); err != nil {
			t.Fatal(err)
		}
	}
	if !followed {
		r.Follow(nil)
		set("10.79.252.13")
	}
	r.SetFaults(moves, Faults{Flap: 30 * time.Second})
	time.Sleep(time.Minute)
	during := func(d time.Duration) string {
		found := map[string]bool{}
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			found[r.address(moves)] = true
		}
		return keys(found)
	}
	if got := during(20 * time.Second); got != "10.79.252.13" {
		t.Errorf("followed %v: without a change: %s", followed, got)
	}
	set("10.79.252.14")
	during(10 * time.Second) // the cache has the old one
	if got := during(20 * time.Second); got != "10.79.252.13 10.79.252.14" {
		t.Errorf("followed %v: after the change: %s, want both", followed, got)
	}
	if got := during(20 * time.Second); got != "10.79.252.14" {
		t.Errorf("followed %v: after 30 s: %s, want the new address alone", followed, got)
	}
	set("10.79.252.15")
	time.Sleep(5 * time.Second)
	set("10.79.252.14")
	if got := during(25 * time.Second); got != "10.79.252.14 10.79.252.15" {
		t.Errorf("followed %v: there and back: %s, want both", followed, got)
	}
}

func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, authority := newPair(t)
		r.SetFaults(moves, Faults{Stale: 25 * time.Second})
		change(t, authority, "10.79.252.14")
		for at, want := range []string{0: "10.79.252.13", 24: "10.79.252.13", 26: "10.79.252.14"} {
			if want == "" {
				time.Sleep(time.Second)
				continue
			}
			if got := r.address("fresh" + strings.Repeat("x", at) + ".now." + moves); got != want {
				t.Errorf("after %d s: %s, want %s", at, got, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestServersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, authority := newPair(t)
		r.address(moves)
		r.SetFaults(".", Faults{Out: true})
		change(t, authority, "10.79.252.14")
		time.Sleep(time.Minute)
		reply := exchange(r, query(moves, dns.TypeA))
		if addressesOf(reply) != "10.79.252.13" || reply.Answer[0].Header().Ttl != 10 {
			t.Errorf("past its TTL: %v, want the old address again", reply.Answer)
		}
		if got := exchange(r, query("new.now."+moves, dns.TypeA)).Rcode; got != dns.RcodeServerFailure {
			t.Errorf("a name that was never asked for: %s, want SERVFAIL", dns.RcodeToString[got])
		}
		r.SetFaults(".", Faults{})
		if got := r.address(moves); got != "10.79.252.14" {
			t.Errorf("after the outage: %s, want the new address", got)
		}
	})
}

func TestZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newPair(t)
		r.SetFaults(moves, Faults{Zero: true})
		for _, step := range []struct {
			after time.Duration
			want  uint32
		}{{0, 10}, {500 * time.Millisecond, 9}, {8 * time.Second, 1}, {time.Second, 0}, {400 * time.Millisecond, 0}, {100 * time.Millisecond, 10}} {
			time.Sleep(step.after)
			if got := exchange(r, query(moves, dns.TypeA)).Answer[0].Header().Ttl; got != step.want {
				t.Errorf("%v later: TTL %d, want %d", step.after, got, step.want)
			}
		}
	})
}

// Two clients in two zones have nothing in common, two in one zone the fleet.
func TestCacheLayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, authority := newPair(t)
		r.SetCaches(Caches{Instance: true, Fleet: 1, ByZone: true})
		ask := func(client string) string {
			w := &recorder{client: udpAddr(client)}
			r.ServeDNS(w, query(moves, dns.TypeA))
			return addressesOf(w.reply)
		}
		ask("10.79.1.10:4242")
		change(t, authority, "10.79.252.14")
		for client, want := range map[string]string{"10.79.1.10:1": "10.79.252.13", "10.79.1.11:1": "10.79.252.13", "10.79.2.10:1": "10.79.252.14"} {
			if got := ask(client); got != want {
				t.Errorf("%s is told %s, want %s", client, got, want)
			}
		}
		r.SetCaches(Caches{Fleet: 8})
		ask("10.79.1.10:4242") // one of eight hosts has the second address
		change(t, authority, "10.79.252.15")
		found := map[string]bool{}
		for range 200 {
			found[ask("10.79.1.10:4242")] = true
		}
		if got := keys(found); got != "10.79.252.14 10.79.252.15" {
			t.Errorf("eight hosts have %s, want two addresses", got)
		}
		time.Sleep(10 * time.Second)
		if got := ask("10.79.1.10:4242"); got != "10.79.252.15" {
			t.Errorf("after the TTL: %s, want the third address", got)
		}
	})
}

// Queries, changes, faults and caches come from many goroutines at once; in the
// end the last change counts.
func TestConcurrentUse(t *testing.T) {
	const last = 50
	r, authority := newPair(t, 0, time.Millisecond)
	var busy sync.WaitGroup
	for client := range 4 {
		busy.Go(func() {
			for i := range 10 * last {
				w := &recorder{client: udpAddr(fmt.Sprintf("10.79.%d.10:53", client))}
				r.ServeDNS(w, query(fmt.Sprintf("r%d.now.%s", i, moves), dns.TypeA))
				if addressesOf(w.reply) == "" {
					t.Errorf("client %d was answered %v, want an address", client, w.reply)
				}
			}
		})
	}
	for i := range last + 1 {
		authority.SetDelays(0, time.Duration(i)*time.Microsecond)
		change(t, authority, fmt.Sprintf("10.0.0.%d", i))
		r.SetFaults(moves, Faults{Flap: time.Duration(i) * time.Second, Zero: i%2 == 0})
		r.SetCaches(Caches{Instance: i%2 == 0, Fleet: 1 + i%3, ByZone: true})
		r.Follow(authority.Authority(vpc))
	}
	busy.Wait()
	r.SetFaults(moves, Faults{})
	r.FlushCache()
	authority.SetDelays(0, 0)
	everywhere, err := authority.Change("Z1", route53.Simple(moves, "A", 10, "10.0.1.1"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(everywhere))
	if got := r.address(moves); got != "10.0.1.1" {
		t.Errorf("in the end: %s, want 10.0.1.1", got)
	}
}
