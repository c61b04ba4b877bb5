package forwarder

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/tcp"

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

// Where nothing can be had for a while that is told once, not at each look.
func TestInterfaceCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		fake := newFakeNet("10.79.1.10/24")
		r := newReplayWith(t, testConfig(), fake, Options{Workers: 1, Log: j.logger()})
		defer r.stop()
		fake.refuse(syscall.EADDRINUSE)
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

func TestMatched(t *testing.T) {
	ten := acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	env := envOf("10.0.0.1/8", "192.168.0.1/24", "127.0.0.1/8", "::1/128", "fe80::1/64")
	tests := []struct {
		name   string
		listen []config.Listen
		opts   Options
		want   string
	}{
		{name: "any of one family", listen: []config.Listen{{Port: 53, Match: acl.All()}}, want: "[10.0.0.1:53 127.0.0.1:53 192.168.0.1:53]"},
		{name: "the other", listen: []config.Listen{{Port: 53, V6: true, Match: acl.All()}}, want: "[[::1]:53 [fe80::1]:53]"},
		{name: "some", listen: []config.Listen{{Port: 53, Match: ten}}, want: "[10.0.0.1:53]"},
		{name: "two ports", listen: []config.Listen{{Port: 53, Match: ten}, {Port: 54, Match: ten}}, want: "[10.0.0.1:53 10.0.0.1:54]"},
		{name: "twice the same", listen: []config.Listen{{Port: 53, Match: ten}, {Port: 53, Match: ten}}, want: "[10.0.0.1:53]"},
		{name: "-4", listen: []config.Listen{{Port: 53, Match: ten}, {Port: 53, V6: true, Match: acl.All()}}, opts: Options{OnlyIPv4: true}, want: "[10.0.0.1:53]"},
		{name: "-6", listen: []config.Listen{{Port: 53, Match: ten}, {Port: 53, V6: true, Match: acl.All()}}, opts: Options{OnlyIPv6: true}, want: "[[::1]:53 [fe80::1]:53]"},
		{name: "none", listen: []config.Listen{{Port: 53, Match: acl.None()}}, want: "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := fmt.Sprint(matched(&config.Config{Listen: test.listen}, env, &test.opts)); got != test.want {
				t.Errorf("matched = %s, want %s", got, test.want)
			}
		})
	}
}

// As named does, a server whose address does not exist yet starts and waits.
func TestStartsWithoutAddress(t *testing.T) {
	cfg := config.Default()
	cfg.ListenOnly(netip.MustParseAddrPort("192.0.2.1:53"))
	s, err := New(cfg, Options{})
	if err != nil {
		t.Fatalf("New = %v, want a server that waits for its address", err)
	}
	serve(t, s)
	if got := s.Addrs(); len(got) != 0 {
		t.Errorf("Addrs = %v, want none", got)
	}
}

// Reloads tell of new sockets, name what cannot be had, and keep what is.
func TestReloadOntoTakenPort(t *testing.T) {
	cfg, n := loopback(t)
	s := run(t, cfg, Options{Workers: 1}, n)
	old := s.Addrs()[0]
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	with := func(ports ...uint16) *config.Config {
		c := testConfig()
		c.Listen = nil
		for _, p := range ports {
			c.Listen = append(c.Listen, config.Listen{Port: p, Match: acl.All()})
		}
		return c
	}
	free, _ := loopback(t)
	tests := []struct {
		name     string
		ports    []uint16
		fails    bool
		unserved int
		served   string
	}{
		{name: "all taken", ports: []uint16{tcp.AddrPort(taken.Addr()).Port()}, fails: true, served: fmt.Sprint(old)},
		{name: "one taken", ports: []uint16{tcp.AddrPort(taken.Addr()).Port(), old.Port()}, unserved: 1, served: fmt.Sprint(old)},
		{name: "one more", ports: []uint16{free.Listen[0].Port, old.Port()}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := s.Reload(with(test.ports...))
			if (err != nil) != test.fails {
				t.Errorf("Reload = %v, want failure: %v", err, test.fails)
			}
			if got := s.Unserved(); len(got) != test.unserved || len(got) > 0 && got[0].Addr != tcp.AddrPort(taken.Addr()) {
				t.Errorf("Unserved = %v, want %d", got, test.unserved)
			}
			if st := s.Stats(); st.Unserved != test.unserved || st.Served != len(s.Addrs()) {
				t.Errorf("Stats have %d served and %d unserved, want %d and %d", st.Served, st.Unserved, len(s.Addrs()), test.unserved)
			}
			if got := fmt.Sprint(s.Addrs()[0]); test.served != "" && (got != test.served || len(s.Addrs()) != 1) {
				t.Errorf("Addrs = %v, want %s", s.Addrs(), test.served)
			}
		})
	}
	select {
	case <-s.Opened():
	default:
		t.Error("Opened has nothing, want a value after an address was added")
	}
}
