package forwarder

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/workbench"
)

// inNetNamespace runs the test again in a process with a network namespace of
// its own, and reports whether this is that process.
func inNetNamespace(t *testing.T) bool {
	t.Helper()
	const variable = "FORWARDER_TEST_NAMESPACE"
	if os.Getenv(variable) != "" {
		return true
	}
	workbench.NeedRoot(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	t.Logf("in a network namespace: %s", out)
	if err != nil {
		t.Errorf("in a network namespace: %v", err)
	}
	return false
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command(workbench.Need(t, "ip"), strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v %s", args, err, out)
	}
}

// ask returns the reply to a query over UDP, or nil if none came in time.
func askAt(a string, name string) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	reply, _, err := (&dns.Client{Timeout: 6 * time.Second}).Exchange(m, a)
	if err != nil {
		return nil
	}
	return reply
}

// In a real kernel: an address that is served, and that upstream is asked from,
// goes and comes back.
func TestAddressVanishes(t *testing.T) {
	if !inNetNamespace(t) {
		return
	}
	const lives, dies, upstream = "10.99.1.1", "10.99.2.1", "127.0.0.2:5399"
	ip(t, "link set lo up")
	ip(t, "link add v0 type veth peer name v1")
	ip(t, "link set v0 up")
	ip(t, "addr add "+lives+"/24 dev v0")
	ip(t, "addr add "+dies+"/24 dev v0")

	pc, err := net.ListenPacket("udp", upstream)
	if err != nil {
		t.Fatal(err)
	}
	up := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{address(q.Question[0].Name, 60, "10.0.0.1")}
		w.WriteMsg(m)
	})}
	go up.ActivateAndServe()
	defer up.Shutdown()

	cfg := testConfig()
	cfg.Listen = []config.Listen{{Match: acl.All(), Port: 5300}}
	cfg.Sources = []netip.Addr{netip.MustParseAddr(dies)}
	cfg.Zones[0].Forwarders = []netip.AddrPort{netip.MustParseAddrPort(upstream)}
	s, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, s)

	good := func(m *dns.Msg) bool { return m != nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1 }
	if !good(askAt(dies+":5300", "kept.example.")) {
		t.Fatal("no answer while the address is there")
	}
	ip(t, "addr del "+dies+"/24 dev v0")
	if !good(askAt(lives+":5300", "kept.example.")) {
		t.Error("the other address gives no cached answer")
	}
	if m := askAt(lives+":5300", "cold1.example."); m == nil || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("without a source address: reply %v, want SERVFAIL in time", m)
	}
	if n := len(s.Addrs()); n != 2 { // loopback and the one that lives
		t.Errorf("serving %v, want 2 addresses", s.Addrs())
	}
	ip(t, "addr add "+dies+"/24 dev v0")
	began := time.Now()
	if !eventually(func() bool { return len(s.Addrs()) == 3 }) {
		t.Fatalf("serving %v, want the address that is back too", s.Addrs())
	}
	t.Logf("served again after %v", time.Since(began))
	for i, a := range []string{lives, dies} {
		if m := askAt(a+":5300", []string{"cold2.example.", "cold3.example."}[i]); !good(m) {
			t.Errorf("%s does not answer when the address is back: %v", a, m)
		}
	}
	t.Logf("answers again after %v", time.Since(began))
}

// In a real kernel: queries to a link-local address that arrive between two
// servers are answered by the second one, though net knows the interface by its
// number only.
func TestInheritLinkLocal(t *testing.T) {
	if !inNetNamespace(t) {
		return
	}
	ip(t, "link set lo up")
	net.ResolveUDPAddr("udp", "[fe80::1%lo]:53") // net looks at interfaces now, and then not for a minute
	ip(t, "link add v0 type veth peer name v1")
	ip(t, "link set v0 up")
	ip(t, "link set v1 up")
	ip(t, "addr add fe80::53/64 dev v0 nodad")
	cfg := testConfig()
	here := netip.MustParsePrefix("fe80::53/128")
	cfg.Listen = []config.Listen{{Port: 5300, V6: true, Match: acl.List{{Prefix: here}}}}
	n := hostNetwork()
	former := run(t, cfg, Options{Workers: 2}, n)
	if got := former.Addrs(); len(got) != 1 {
		t.Fatalf("serving %v, want the link-local address", got)
	}
	addr := former.Addrs()[0].String()
	if !eventually(func() bool { // the address is new to the kernel too
		c, err := net.DialTimeout("udp", addr, time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Second))
		c.Write(queryFor(1, "version.bind.", dns.TypeTXT))
		_, err = c.Read(make([]byte, 512))
		return err == nil
	}) {
		t.Fatalf("%s does not answer", addr)
	}
	files := sockets(t, former.Server)
	former.HandOver(time.Second)
	former.stop()
	var clients []net.Conn
	for i := range 20 {
		clients = append(clients, askHesiod(t, []string{"udp", "tcp"}[i%2], addr))
	}
	next := run(t, cfg, Options{Workers: 2, Inherited: files}, n)
	if got := next.Addrs(); len(got) != 1 || got[0].String() != addr {
		t.Fatalf("the next one serves %v, want %v", got, addr)
	}
	for _, c := range clients {
		if err := readReply(c); err != nil {
			t.Fatalf("a query that waited: %v", err)
		}
	}
}

// In a real kernel: an address that is still probed for duplicates cannot be bound. It
// is served once it can be: the kernel tells, so that nobody has to look.
func TestTentativeAddress(t *testing.T) {
	if !inNetNamespace(t) {
		return
	}
	ip(t, "link set lo up")
	ip(t, "link add v0 type veth peer name v1")
	ip(t, "link set v1 up")
	ip(t, "link set v0 up")
	ip(t, "addr add 2001:db8::53/64 dev v0")
	cfg := testConfig()
	match := acl.List{{Prefix: netip.MustParsePrefix("2001:db8::53/128")}, {Prefix: netip.MustParsePrefix("fe80::/10")}}
	cfg.Listen = []config.Listen{{Port: 5300, V6: true, Match: match}}
	n := hostNetwork()
	n.lookEvery = time.Hour
	s, err := newServer(cfg, Options{}, n)
	if err != nil {
		t.Fatal(err)
	}
	if list := s.Unserved(); len(list) == 0 || !errors.Is(list[0].Err, syscall.EADDRNOTAVAIL) {
		t.Fatalf("Unserved() = %v, want addresses that are not available yet", list)
	}
	serve(t, s)
	began := time.Now()
	if !eventually(func() bool { return len(s.Unserved()) == 0 }) {
		t.Fatalf("Unserved() = %v, want none once the addresses are ready", s.Unserved())
	}
	t.Logf("served after %v", time.Since(began))
	if m := askAt("[2001:db8::53]:5300", "version.bind."); m == nil {
		t.Error("the address that was tentative does not answer")
	}
}
