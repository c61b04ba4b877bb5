package forwarder

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// An address that goes is not served, the others are; when it is back it is
// served again: at once when the kernel tells, else soon.
func TestInterfaceComesAndGoes(t *testing.T) {
	other := netip.MustParseAddrPort("10.79.2.10:53")
	for name, told := range map[string]bool{"told": true, "not told": false} {
		t.Run(name, func(t *testing.T) {
			virtual(t, testConfig(), func(t *testing.T, r *replay) {
				both, one := envOf("10.79.1.10/24", "10.79.2.10/24"), envOf("10.79.1.10/24")
				for _, step := range []struct {
					name   string
					served []netip.AddrPort
				}{
					{"comes", []netip.AddrPort{testServer, other}},
					{"goes", []netip.AddrPort{testServer}},
					{"is back", []netip.AddrPort{testServer, other}},
				} {
					if r.net.change(both); len(step.served) == 1 {
						r.net.change(one)
					}
					if told {
						r.net.news.Write([]byte("changed"))
					} else {
						time.Sleep(interfacesEvery)
					}
					synctest.Wait()
					if got := r.s.Addrs(); !slices.Equal(got, step.served) {
						t.Fatalf("when the address %s: serving %v, want %v", step.name, got, step.served)
					}
					for _, a := range step.served {
						r.net.ask(testClient, a, false, queryFor(1, "www.example.", dns.TypeA))
						synctest.Wait()
						if n := len(r.net.got()); n != 1 {
							t.Errorf("when the address %s: %d replies from %v, want 1", step.name, n, a)
						}
					}
				}
			})
		})
	}
}
