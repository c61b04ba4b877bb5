package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

const machineAddr = "10.79.1.10"

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

func startLoad(t *testing.T, v lab.VPC) *load {
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

func (l *load) dial(v lab.VPC) {
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
	n, err := strconv.Atoi(m.Show("NFileDescriptorStore"))
	if err != nil {
		m.T.Fatal(err)
	}
	return n
}

// testServiceDeadUpstream restarts while queries wait for an upstream that does
// not answer: the next process must not wait for them.
func testServiceDeadUpstream(t *testing.T, m *machine, v lab.VPC) {
	v.Resolver.SetFaults("silent.corp.", vpcresolver.Faults{Drop: 1})
	wait, _ := lab.Load{
		From: v.Namespace, Servers: []string{machineAddr}, Rate: 50, For: time.Second,
		Name: func(i int) string { return fmt.Sprintf("host%d.silent.corp.", i) },
	}.Start(t)
	waitFor(t, "query at the resolver", func() bool { return v.Resolver.Queries("host0.silent.corp.") > 0 })
	began := time.Now()
	m.Run("systemctl", "restart", "forwarder")
	t.Logf("a restart takes %v", time.Since(began).Round(time.Millisecond))
	// Those that a process waits for itself end with error 22, after 4.5 s.
	told := wait().Where(func(a lab.Answer) bool { return a.EDE == int(dns.ExtendedErrorCodeNotReady) })
	if len(told) == 0 {
		t.Error("nobody got SERVFAIL with extended error 14, want those who waited")
	}
}

// testServiceTakenPort reloads onto a port that another process has.
func testServiceTakenPort(t *testing.T, m *machine) {
	good := m.Run("cat", "/etc/named.conf")
	m.Run("systemd-run", "--unit=holder", "--collect", "forwarder", "-g", "--listen", "127.0.0.1:5353", "--metrics-address=")
	waitFor(t, "holder of the port", func() bool {
		_, err := m.Try("dig", "+tries=1", "+timeout=1", "@127.0.0.1", "-p", "5353", "version.bind", "chaos", "txt")
		return err == nil
	})
	m.Put("/etc/named.conf", strings.Replace(good, "forward only;", "forward only; listen-on port 5353 { 127.0.0.1; }; listen-on { any; };", 1))
	m.Fails("systemctl", "reload", "forwarder")
	m.Want(`"not currently available"`, version53...)
	waitFor(t, "the address that cannot be had, in StatusText", func() bool {
		return strings.Contains(m.Show("StatusText"), "127.0.0.1#5353 is not served")
	})
	log := m.Run("cat", "/var/log/named/bind.log")
	holder := "is taken by holder.service (pid " + m.Run("systemctl", "show", "-P", "MainPID", "holder") + ", user root)"
	if want := "not serving 127.0.0.1#5353: "; !strings.Contains(log, want) || !strings.Contains(log, holder) {
		t.Errorf("bind.log lacks %q and %q:\n%s", want, holder, log)
	}
	if got := m.Run("journalctl", "--no-pager", "-u", "forwarder"); !strings.Contains(got, holder) {
		t.Errorf("the journal lacks %q:\n%s", holder, got)
	}
	m.Run("systemctl", "stop", "holder")
	m.Put("/etc/named.conf", good)
	m.Run("systemctl", "reload", "forwarder")
}

// testServiceConflict starts what takes the place of the service, as named does.
func testServiceConflict(t *testing.T, m *machine) {
	m.Put("/etc/systemd/system/named.service", `[Service]
Type=notify
ExecStart=/usr/sbin/forwarder -g --listen 127.0.0.1:53 --metrics-address=
`)
	m.Run("systemctl", "daemon-reload")
	m.Run("systemctl", "start", "named")
	if out, err := m.Try("systemctl", "is-active", "forwarder"); err == nil {
		t.Errorf("forwarder is %s, want it stopped", out)
	}
	m.Want("active", "systemctl", "is-active", "named")
	m.Run("systemctl", "start", "forwarder")
	m.Want(`"not currently available"`, version53...)
	m.Want("inactive", "systemctl", "show", "-P", "ActiveState", "named")
}

// testServiceLinkLocal restarts, and kills: a link-local address is served at once,
// by the sockets of the former process.
func testServiceLinkLocal(t *testing.T, m *machine) {
	addr := ""
	waitFor(t, "link-local address that is not tentative", func() bool {
		out := strings.Fields(m.Run("ip", "-o", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"))
		if len(out) > 3 {
			addr, _, _ = strings.Cut(out[3], "/")
		}
		return addr != ""
	})
	ask := func() string {
		return m.Run("dig", "+short", "+tries=1", "+timeout=5", "@"+addr+"%eth0", "version.bind", "chaos", "txt")
	}
	waitFor(t, "served link-local address", func() bool {
		_, err := m.Try("dig", "+tries=1", "+timeout=1", "@"+addr+"%eth0", "version.bind", "chaos", "txt")
		return err == nil
	})
	for _, change := range [][]string{{"systemctl", "restart", "forwarder"}, {"systemctl", "kill", "--signal=KILL", "forwarder"}} {
		before := m.Show("NRestarts")
		m.Run(change...)
		if change[1] == "kill" {
			waitFor(t, "restart", func() bool { return m.Show("NRestarts") != before })
			m.Until("ActiveState", "active")
		}
		if got := m.Show("StatusText"); strings.Contains(got, "cannot be had") || strings.Contains(got, "not served") {
			t.Errorf("after %q: StatusText = %q, want all addresses served", change, got)
		}
		if got := ask(); got != `"not currently available"` {
			t.Errorf("after %q the link-local address says %q", change, got)
		}
	}
	for _, text := range []string{m.Run("cat", "/var/log/named/bind.log"), m.Run("journalctl", "--no-pager", "-u", "forwarder")} {
		if strings.Contains(text, "address already in use") {
			t.Errorf("an address was in the way of itself:\n%s", text)
		}
	}
}

// testServiceKeepsQueries changes the process under load.
func testServiceKeepsQueries(t *testing.T, m *machine) {
	v := lab.Connect(t, m.Machine, machineAddr)
	m.Run("systemctl", "restart", "forwarder") // the interface is seen at once
	good := m.Run("cat", "/etc/named.conf")
	for _, change := range []struct {
		name string
		most int // queries that may be lost
		run  func(t *testing.T)
	}{
		{"reload", 0, func(*testing.T) { m.Run("systemctl", "reload", "forwarder") }},
		{"restart", 0, func(*testing.T) { m.Run("systemctl", "restart", "forwarder") }},
		{"fewer workers", 0, func(*testing.T) {
			m.Put("/etc/sysconfig/forwarder", "OPTIONS=-n 3 --metrics-address=\n")
			m.Run("systemctl", "restart", "forwarder")
			m.Put("/etc/sysconfig/forwarder", "OPTIONS=-n 1 --metrics-address=\n")
			m.Run("systemctl", "restart", "forwarder")
		}},
		{"another address", 0, func(*testing.T) {
			m.Put("/etc/named.conf", strings.Replace(good, "forward only;", "forward only; listen-on { 10/8; };", 1))
			before := m.stored()
			m.Run("systemctl", "restart", "forwarder")
			waitFor(t, "socket that systemd let go of", func() bool { return m.stored() < before })
			m.Put("/etc/named.conf", good)
			m.Run("systemctl", "reload", "forwarder")
			m.Want(`"not currently available"`, version53...)
		}},
		// What the process has read and not answered goes with it.
		{"kill", 50, func(t *testing.T) {
			began, former := time.Now(), m.Show("MainPID")
			m.Run("kill", "-KILL", former)
			m.Want(`"not currently available"`, version53...)
			t.Logf("answers %v after kill -9", time.Since(began).Round(time.Millisecond))
			m.Until("ActiveState", "active")
		}},
	} {
		if !t.Run(change.name, func(t *testing.T) {
			m.T = t
			l := startLoad(t, v)
			time.Sleep(500 * time.Millisecond)
			change.run(t)
			time.Sleep(time.Second)
			l.end(change.most)
		}) {
			t.FailNow()
		}
	}
	m.T = t
	t.Run("link-local", func(t *testing.T) { testServiceLinkLocal(t, m) })
	t.Run("dead upstream", func(t *testing.T) { testServiceDeadUpstream(t, m, v) })
	t.Run("warm cache", func(t *testing.T) { testServiceWarm(t, m, v) })
}
