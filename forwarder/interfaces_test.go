package forwarder

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/udp"
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

// Where nothing can be had for a while that is told once, not at each look.
func TestInterfaceCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		r := newReplayWith(t, testConfig(), newFakeNet("10.79.1.10/24"), Options{Workers: 1, Log: j.logger()})
		defer r.stop()
		r.s.listeners.mu.Lock()
		r.s.listeners.net.listenUDP = func(netip.AddrPort, udp.Options) (udp.Conn, error) { return nil, syscall.EADDRINUSE }
		r.s.listeners.mu.Unlock()
		r.net.change(envOf("10.79.2.10/24"))
		time.Sleep(100 * interfacesEvery)
		synctest.Wait()
		var lines []string
		for line := j.take("network"); line != "nothing"; line = j.take("network") {
			lines = append(lines, line)
		}
		if n := len(lines); n < 2 || n > 5 {
			t.Errorf("%d lines, want that the old address is lost and the new one cannot be had:\n%s", n, strings.Join(lines, "\n"))
		}
	})
}
