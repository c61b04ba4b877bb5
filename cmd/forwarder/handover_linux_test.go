package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/testdata"
)

// vpc is a machine's surroundings: the VPC resolver and clients, in a namespace
// at the other end of its only cable.
type vpc struct {
	*lab.Namespace
	resolver *vpcresolver.Resolver
}

const machineAddr = "10.79.1.10"

func connect(t *testing.T, m *machine) vpc {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(m.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	v := vpc{Namespace: lab.NewNamespace(t)}
	v.IP(t, "link set lo up",
		"link add machine type veth peer name eth0 netns "+strings.TrimSpace(string(pid)),
		"addr add "+lab.Resolver+"/16 dev machine",
		"link set machine up")
	m.run("ip", "addr", "add", machineAddr+"/16", "dev", "eth0")
	m.run("ip", "link", "set", "eth0", "up")
	if v.resolver, err = vpcresolver.New(testdata.Zone, false); err != nil {
		t.Fatal(err)
	}
	if err := v.resolver.Set("*.cold.awslab.mycompany.corp. 3600 IN A 10.79.6.11"); err != nil {
		t.Fatal(err)
	}
	v.Do(t, func() { _, err = v.resolver.Listen(netip.MustParseAddrPort(lab.Resolver + ":53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.resolver.Close() })
	return v
}

// load is 1000 queries/s over UDP, one in a hundred of them for a name that has
// to be asked for, and a new TCP connection every 10 ms. Nobody asks twice.
type load struct {
	t    *testing.T
	udp  func() lab.Answers
	stop func()

	ctx context.Context
	tcp sync.WaitGroup

	mu       sync.Mutex
	streams  int
	failures []error
}

func (v vpc) load(t *testing.T) *load {
	t.Helper()
	l := &load{t: t}
	var stopUDP, stopTCP func()
	l.udp, stopUDP = lab.Load{
		From: v.Namespace, Servers: []string{machineAddr}, Rate: 1000, For: time.Minute, Clients: 64,
		Name: func(i int) string {
			if i%100 == 0 {
				return fmt.Sprintf("host%d.cold.awslab.mycompany.corp.", i)
			}
			return "myservice.awslab.mycompany.corp."
		},
	}.Start(t)
	l.ctx, stopTCP = context.WithCancel(t.Context())
	l.stop = func() { stopUDP(); stopTCP() }
	t.Cleanup(l.stop)
	l.tcp.Go(func() { l.dial(v) })
	return l
}

func (l *load) dial(v vpc) {
	for tick := time.Tick(10 * time.Millisecond); l.ctx.Err() == nil; <-tick {
		var c net.Conn
		var err error
		v.Do(l.t, func() { c, err = net.DialTimeout("tcp", machineAddr+":53", 5*time.Second) })
		l.tcp.Go(func() { l.note(exchangeOn(c, err)) })
	}
}

func exchangeOn(c net.Conn, err error) error {
	if err != nil {
		return err
	}
	defer c.Close()
	q := new(dns.Msg).SetQuestion("myservice.awslab.mycompany.corp.", dns.TypeA)
	_, _, err = (&dns.Client{Timeout: 5 * time.Second}).ExchangeWithConn(q, &dns.Conn{Conn: c})
	return err
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams++
	if err != nil {
		l.failures = append(l.failures, err)
	}
}

// end stops the load and checks that no more than so many queries were lost.
func (l *load) end(most int) {
	l.t.Helper()
	l.stop()
	all := l.udp()
	l.tcp.Wait()
	lost := all.Failed()
	l.t.Logf("of %d queries over UDP %d were lost, of %d over TCP %d; the slowest took %v", len(all), len(lost),
		l.streams, len(l.failures), all.Quantile(1).Round(time.Millisecond))
	if len(all) < 100 || l.streams < 10 {
		l.t.Errorf("there were %d queries over UDP and %d over TCP, want a load", len(all), l.streams)
	}
	if len(lost) > most {
		l.t.Errorf("%d queries over UDP were lost, want %d at most; the first: %+v", len(lost), most, lost[0])
	}
	if len(l.failures) > most {
		l.t.Errorf("%d queries over TCP were lost, want %d at most; the first: %v", len(l.failures), most, l.failures[0])
	}
}

// stored is how many sockets systemd keeps for the next process.
func (m *machine) stored() int {
	n, err := strconv.Atoi(m.show("NFileDescriptorStore"))
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// testServiceDeadUpstream restarts while queries wait for an upstream that does
// not answer: the next process must not wait for them.
func testServiceDeadUpstream(t *testing.T, m *machine, v vpc) {
	v.resolver.SetFaults("silent.corp.", vpcresolver.Faults{Drop: 1})
	wait, _ := lab.Load{
		From: v.Namespace, Servers: []string{machineAddr}, Rate: 50, For: time.Second,
		Name: func(i int) string { return fmt.Sprintf("host%d.silent.corp.", i) },
	}.Start(t)
	waitFor(t, "query at the resolver", func() bool { return v.resolver.Queries("host0.silent.corp.") > 0 })
	began := time.Now()
	m.run("systemctl", "restart", "forwarder")
	t.Logf("a restart takes %v", time.Since(began).Round(time.Millisecond))
	// Those that a process waits for itself end with error 22, after 4.5 s.
	told := wait().Where(func(a lab.Answer) bool { return a.EDE == int(dns.ExtendedErrorCodeNotReady) })
	if len(told) == 0 {
		t.Error("nobody got SERVFAIL with extended error 14, want those who waited")
	}
}

// testServiceTakenPort reloads onto a port that another process has.
func testServiceTakenPort(t *testing.T, m *machine) {
	good := m.run("cat", "/etc/named.conf")
	m.run("systemd-run", "--unit=holder", "--collect", "forwarder", "-g", "--listen", "127.0.0.1:5353", "--metrics-address=")
	waitFor(t, "holder of the port", func() bool {
		_, err := m.try("dig", "+tries=1", "+timeout=1", "@127.0.0.1", "-p", "5353", "version.bind", "chaos", "txt")
		return err == nil
	})
	m.put("/etc/named.conf", strings.Replace(good, "forward only;", "forward only; listen-on port 5353 { 127.0.0.1; }; listen-on { any; };", 1))
	m.fails("systemctl", "reload", "forwarder")
	m.want(`"not currently available"`, version53...)
	waitFor(t, "the address that cannot be had, in StatusText", func() bool {
		return strings.Contains(m.show("StatusText"), "127.0.0.1#5353 is not served")
	})
	log := m.run("cat", "/var/log/named/bind.log")
	holder := "is taken by holder.service (pid " + m.run("systemctl", "show", "-P", "MainPID", "holder") + ", user root)"
	if want := "not serving 127.0.0.1#5353: "; !strings.Contains(log, want) || !strings.Contains(log, holder) {
		t.Errorf("bind.log lacks %q and %q:\n%s", want, holder, log)
	}
	if got := m.run("journalctl", "--no-pager", "-u", "forwarder"); !strings.Contains(got, holder) {
		t.Errorf("the journal lacks %q:\n%s", holder, got)
	}
	m.run("systemctl", "stop", "holder")
	m.put("/etc/named.conf", good)
	m.run("systemctl", "reload", "forwarder")
}

// testServiceConflict starts what takes the place of the service, as named does.
func testServiceConflict(t *testing.T, m *machine) {
	m.put("/etc/systemd/system/named.service", `[Service]
Type=notify
ExecStart=/usr/sbin/forwarder -g --listen 127.0.0.1:53 --metrics-address=
`)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "named")
	if out, err := m.try("systemctl", "is-active", "forwarder"); err == nil {
		t.Errorf("forwarder is %s, want it stopped", out)
	}
	m.want("active", "systemctl", "is-active", "named")
	m.run("systemctl", "start", "forwarder")
	m.want(`"not currently available"`, version53...)
	m.want("inactive", "systemctl", "show", "-P", "ActiveState", "named")
}

// testServiceLinkLocal restarts, and kills: a link-local address is served at once,
// by the sockets of the former process.
func testServiceLinkLocal(t *testing.T, m *machine) {
	addr := ""
	waitFor(t, "link-local address that is not tentative", func() bool {
		out := strings.Fields(m.run("ip", "-o", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"))
		if len(out) > 3 {
			addr, _, _ = strings.Cut(out[3], "/")
		}
		return addr != ""
	})
	ask := func() string {
		return m.run("dig", "+short", "+tries=1", "+timeout=5", "@"+addr+"%eth0", "version.bind", "chaos", "txt")
	}
	waitFor(t, "served link-local address", func() bool {
		_, err := m.try("dig", "+tries=1", "+timeout=1", "@"+addr+"%eth0", "version.bind", "chaos", "txt")
		return err == nil
	})
	for _, change := range [][]string{{"systemctl", "restart", "forwarder"}, {"systemctl", "kill", "--signal=KILL", "forwarder"}} {
		before := m.show("NRestarts")
		m.run(change...)
		if change[1] == "kill" {
			waitFor(t, "restart", func() bool { return m.show("NRestarts") != before })
			m.until("ActiveState", "active")
		}
		if got := m.show("StatusText"); strings.Contains(got, "cannot be had") || strings.Contains(got, "not served") {
			t.Errorf("after %q: StatusText = %q, want all addresses served", change, got)
		}
		if got := ask(); got != `"not currently available"` {
			t.Errorf("after %q the link-local address says %q", change, got)
		}
	}
	for _, text := range []string{m.run("cat", "/var/log/named/bind.log"), m.run("journalctl", "--no-pager", "-u", "forwarder")} {
		if strings.Contains(text, "address already in use") {
			t.Errorf("an address was in the way of itself:\n%s", text)
		}
	}
}

// testServiceKeepsQueries changes the process under load.
func testServiceKeepsQueries(t *testing.T, m *machine) {
	v := connect(t, m)
	m.run("systemctl", "restart", "forwarder") // the interface is seen at once
	good := m.run("cat", "/etc/named.conf")
	for _, change := range []struct {
		name string
		most int // queries that may be lost
		run  func(t *testing.T)
	}{
		{"reload", 0, func(*testing.T) { m.run("systemctl", "reload", "forwarder") }},
		{"restart", 0, func(*testing.T) { m.run("systemctl", "restart", "forwarder") }},
		{"fewer workers", 0, func(*testing.T) {
			m.put("/etc/sysconfig/forwarder", "OPTIONS=-n 3 --metrics-address=\n")
			m.run("systemctl", "restart", "forwarder")
			m.put("/etc/sysconfig/forwarder", "OPTIONS=-n 1 --metrics-address=\n")
			m.run("systemctl", "restart", "forwarder")
		}},
		{"another address", 0, func(*testing.T) {
			m.put("/etc/named.conf", strings.Replace(good, "forward only;", "forward only; listen-on { 10/8; };", 1))
			before := m.stored()
			m.run("systemctl", "restart", "forwarder")
			waitFor(t, "socket that systemd let go of", func() bool { return m.stored() < before })
			m.put("/etc/named.conf", good)
			m.run("systemctl", "reload", "forwarder")
			m.want(`"not currently available"`, version53...)
		}},
		// What the process has read and not answered goes with it.
		{"kill", 50, func(t *testing.T) {
			began, former := time.Now(), m.show("MainPID")
			m.run("kill", "-KILL", former)
			m.want(`"not currently available"`, version53...)
			t.Logf("answers %v after kill -9", time.Since(began).Round(time.Millisecond))
			m.until("ActiveState", "active")
		}},
	} {
		if !t.Run(change.name, func(t *testing.T) {
			m.t = t
			l := v.load(t)
			time.Sleep(500 * time.Millisecond)
			change.run(t)
			time.Sleep(time.Second)
			l.end(change.most)
		}) {
			t.FailNow()
		}
	}
	m.t = t
	t.Run("link-local", func(t *testing.T) { testServiceLinkLocal(t, m) })
	t.Run("dead upstream", func(t *testing.T) { testServiceDeadUpstream(t, m, v) })
	t.Run("warm cache", func(t *testing.T) { testServiceWarm(t, m, v) })
}
