package forwarder

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
)

func TestWanted(t *testing.T) {
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
			ls := &listeners{opts: &test.opts}
			if got := fmt.Sprint(ls.wanted(&state{cfg: &config.Config{Listen: test.listen}, env: env})); got != test.want {
				t.Errorf("wanted = %s, want %s", got, test.want)
			}
		})
	}
}

// An address that cannot be had is left out while another one can be served.
func TestListenOnSome(t *testing.T) {
	fake := newFakeNet("10.0.0.1/8", "10.0.0.2/8")
	network := fake.network()
	busy := errors.New("address in use")
	network.listenUDP = func(a netip.AddrPort, o udp.Options) (udp.Conn, error) {
		if a.Addr() == netip.MustParseAddr("10.0.0.1") {
			return nil, busy
		}
		return fake.listenUDP(a, o)
	}
	s := newUnserved(t, testConfig(), 3, network)
	if got := fmt.Sprint(s.Addrs()); got != "[10.0.0.2:53]" {
		t.Errorf("Addrs = %s, want [10.0.0.2:53]", got)
	}
	if !s.listeners.missing(s.state.Load()) {
		t.Error("missing = false, want true: 10.0.0.1 is not served")
	}
	l := fake.tcp[netip.MustParseAddrPort("10.0.0.1:53")]
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the TCP listener of the address that is not served: Accept = %v, want %v", err, net.ErrClosed)
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

// A listener may tell its address without the zone that a link-local one needs.
func TestListenKeepsTheZone(t *testing.T) {
	fake := newFakeNet()
	network := fake.network()
	network.listenTCP = func(a netip.AddrPort, backlog int) (net.Listener, error) {
		return fake.listenTCP(netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()), backlog)
	}
	s := newUnserved(t, testConfig(), 1, network)
	want := netip.MustParseAddrPort("[fe80::1%eth0]:53")
	l, err := s.listeners.listen(want, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.addr != want || fake.udp[want] == nil {
		t.Errorf("listen(%v) serves %v, want the same over UDP and TCP", want, l.addr)
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
