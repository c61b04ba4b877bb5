package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// With 64 open files at most, 200 connections of one client and a slow
// upstream: everybody else is served, over UDP and TCP, cached or not.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	const files = 64
	resolver, upstream := startResolver(t)
	addr := freeAddr(t)
	conf := writeConf(t, strings.Replace(daemonConf, "127.0.0.1 port 9", fmt.Sprintf("127.0.0.1 port %d", upstream.Port()), 1), addr)
	log := filepath.Join(filepath.Dir(conf), "stderr")
	shell := fmt.Sprintf("ulimit -n %d; exec %s -g --metrics-address= -U 1 -c %s 2>%s", files, lab.BuildForwarder(t), conf, log)
	cmd := exec.Command("sh", "-c", shell)
	p := lab.Start(t, "the forwarder", cmd)
	p.WaitFor(t, addr)

	for range 200 {
		c, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	resolver.SetFaults("", vpcresolver.Faults{Delay: 200 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 100 { // more at once than there are descriptors
		wg.Go(func() {
			name, network := "myservice", "udp"
			if i%2 == 0 {
				name = fmt.Sprintf("cold%d", i)
			}
			if i%10 < 2 {
				network = "tcp"
			}
			source := fmt.Sprintf("127.0.0.%d", 3+i/10) // with half of the connections it would be who pays
			if err := askFrom(source, network, addr, name+".awslab.mycompany.corp."); err != nil {
				t.Errorf("%s over %s: %v", name, network, err)
			}
		})
	}
	wg.Wait()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid))
	if err != nil || len(open) > files {
		t.Errorf("%d files are open, %v, want %d at most", len(open), err, files)
	}
	const warning = "tcp-clients 150 is taken as 32: there are not enough open files"
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), warning) {
		t.Errorf("the log is %q, %v, want %q in it", text, err, warning)
	}
}

// askFrom asks from another address of this host, and says what is wrong with
// the reply.
func askFrom(source, network string, server netip.AddrPort, name string) error {
	dialer := &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(source)}}
	if network == "tcp" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	c := &dns.Client{Net: network, Dialer: dialer, Timeout: 6 * time.Second}
	reply, _, err := c.Exchange(m, server.String())
	if err == nil && reply.Rcode == dns.RcodeServerFailure {
		err = fmt.Errorf("SERVFAIL")
	}
	return err
}
