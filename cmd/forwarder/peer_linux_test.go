package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/page"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/workbench"
)

// peerLab is a pair in its network, each of which has the other as --peer.
type peerLab struct {
	*lab.Network
	t            *testing.T
	program, key string
}

// peered is one of the pair, or what stands in its place.
type peered struct {
	*lab.Process
	n       *lab.Namespace
	l       *peerLab
	address string
}

const peerName = "service.hot.awslab.mycompany.corp"

func newPeerLab(t *testing.T) *peerLab {
	return &peerLab{lab.NewNetwork(t), t, lab.BuildForwarder(t), lab.WriteKey(t)}
}

// start starts a server with these flags.
func (l *peerLab) start(n *lab.Namespace, s lab.Server, address, options string, flags ...string) *peered {
	l.t.Helper()
	setup := lab.Setup{Address: address, Upstreams: []string{lab.Resolver}, Controls: lab.Controls(address), Options: options, Flags: flags}
	return &peered{n.Serve(l.t, s, setup), n, l, address}
}

func (l *peerLab) forwarderA(flags ...string) *peered {
	l.t.Helper()
	return l.start(l.ForwarderA, lab.Forwarder(l.t, l.program), lab.ForwarderA, "", append(flags, "-g", "--peer", lab.ForwarderB)...)
}

// run runs a verb of the program about a server, and returns what it prints.
func (p *peered) run(verb string, args ...string) (code int, text string) {
	p.l.t.Helper()
	all := append([]string{verb, "-s", p.address, "-k", p.l.key}, args...)
	code, stdout, stderr := p.n.Run(p.l.t, exec.Command(p.l.program, all...))
	return code, stdout + stderr
}

func (p *peered) rndc(args ...string) string {
	p.l.t.Helper()
	code, text := p.run("rndc", args...)
	if code != 0 {
		p.l.t.Fatalf("rndc %q at %s = %d: %s", args, p.address, code, text)
	}
	return text
}

// says waits for a status that has a line of words, and returns it.
func (p *peered) says(words string) string {
	p.l.t.Helper()
	text := ""
	for range 100 {
		if _, text = p.run("status"); strings.Contains(text, words) {
			return text
		}
		time.Sleep(200 * time.Millisecond)
	}
	p.l.t.Fatalf("status at %s has no %q:\n%s", p.address, words, text)
	return ""
}

// get returns what the metrics address serves there.
func (p *peered) get(path string) string {
	p.l.t.Helper()
	r, err := p.n.HTTP(p.l.t, 10*time.Second).Get("http://127.0.0.1:9153" + path)
	if err != nil {
		p.l.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.l.t.Fatal(err)
	}
	return string(body)
}

// ask asks both for the name, as the corporate DNS does.
func (l *peerLab) ask(addresses ...string) {
	l.t.Helper()
	for _, a := range addresses {
		if m, err := l.Corporate.Ask(l.t, "udp", a, new(dns.Msg).SetQuestion(peerName+".", dns.TypeA)); err != nil || len(m.Answer) == 0 {
			l.t.Fatalf("%s says of %s: %v, %v", a, peerName, m, err)
		}
	}
}

// holders are the clients in a forwarder's ledger.
func (p *peered) holders() (list []string) {
	p.l.t.Helper()
	var st watch.Status
	if err := json.Unmarshal([]byte(p.rndc("watch", "show", peerName, "json", "clients")), &st); err != nil {
		p.l.t.Fatal(err)
	}
	for _, h := range st.Ledger {
		for _, holder := range h.Names {
			list = append(list, holder.Client.String())
		}
	}
	return list
}

// Each of a pair sees what the other gives: that they agree, that one alone has an
// override, that the other is silent, is gone, and is back, over a reload of both and a
// process that takes over; and it stands in no ledger.
func TestPeerPair(t *testing.T) {
	t.Parallel()
	l := newPeerLab(t)
	l.StartResolver(t)
	a := l.forwarderA("--watch", peerName)
	b := l.start(l.ForwarderB, lab.Forwarder(t, l.program), lab.ForwarderB, "", "-g", "--watch", peerName, "--peer", lab.ForwarderA)
	l.ask(lab.ForwarderA, lab.ForwarderB)
	wantMatch(t, a.says("peer        10.79.2.10#53 agrees since"), `RTT .*; [01] of 1 compared`)
	b.says("peer        10.79.1.10#53 agrees since")
	waitFor(t, "both data compared", func() bool {
		l.ask(lab.ForwarderA, lab.ForwarderB)
		return strings.Contains(a.get("/metrics"), `forwarder_peer_compared_names{server="10.79.2.10:53"} 1`)
	})
	for _, p := range []*peered{a, b} {
		for _, holder := range p.holders() {
			if holder == lab.ForwarderA || holder == lab.ForwarderB {
				t.Errorf("the ledger at %s has %s", p.address, holder)
			}
		}
	}

	a.says("0 of 1 compared") // nobody asks, and neither has it cached
	a.rndc("override", "add", peerName, "A", "10.79.9.9")
	a.WaitToSay(t, "peer 10.79.2.10#53 gives other data: "+peerName+" A is ") // whether it has asked upstream by then or not
	b.WaitToSay(t, "peer 10.79.1.10#53 gives other data: "+peerName+" A is 10.79.9.9 there, 10.79.6.10 here")
	wantMatch(t, a.says("10.79.2.10#53 disagrees since"), `^peer .*; 1 of 1 compared,\s+1 differ`, `^trouble +peer 10.79.2.10#53 gives other data:\s+service`)
	b.says("10.79.1.10#53 disagrees since")
	waitFor(t, "document that shows both", func() bool {
		var doc page.Document
		if err := json.Unmarshal([]byte(a.get("/api/v1/status")), &doc); err != nil || len(doc.Peers) != 1 {
			t.Fatalf("the document has %+v, %v", doc.Peers, err)
		}
		p := &doc.Peers[0]
		return p.State == "disagrees" && p.Address == "10.79.2.10#53" && len(p.Disagreeing) == 1 && p.Disagreeing[0].Ours[0] == "10.79.9.9" &&
			p.Disagreeing[0].Theirs[0] == "10.79.6.10" && strings.Contains(doc.Troubles[0].Text, "10.79.6.10")
	})
	wantMatch(t, a.get("/metrics"), `^forwarder_peer_disagreeing_names\{server="10.79.2.10:53"\} 1$`, `^forwarder_peer_up\{server="10.79.2.10:53"\} 1$`,
		`^forwarder_trouble\{kind="pair",subject="10.79.2.10#53"\} 1$`)
	if code, text := a.run("status"); code != statusTrouble {
		t.Errorf("status = %d, want %d:\n%s", code, statusTrouble, text)
	}
	a.rndc("override", "delete", peerName)
	a.WaitToSay(t, "peer 10.79.2.10#53 agrees again (after ")
	b.says("10.79.1.10#53 agrees since")

	a.Signal(t, syscall.SIGHUP)
	a.WaitToSay(t, "reloading configuration succeeded")
	l.Router.IP(t, "link set forwarderB down")
	a.says("10.79.2.10#53 down since")
	a.WaitToSay(t, "peer 10.79.2.10#53 does not answer (for ")
	wantMatch(t, a.get("/metrics"), `^forwarder_peer_up\{server="10.79.2.10:53"\} 0$`)
	l.Router.IP(t, "link set forwarderB up")
	a.WaitToSay(t, "peer 10.79.2.10#53 answers again (after ")
	b.WaitToSay(t, "peer 10.79.1.10#53 answers again (after ")

	a.Signal(t, syscall.SIGUSR2)
	<-a.Exited
	defer a.rndc("stop") // the one that has taken over
	a.says("10.79.2.10#53 agrees since")
	if !a.Wrote("the new process serves") {
		t.Errorf("no process has taken over:\n%s", a.Tail())
	}
	b.Kill()
	a.says("10.79.2.10#53 down since")
}

// A named is as good a peer: what it has cached is compared, what it has not is not; that
// it serves an old answer for its TTL is no disagreement, that it refuses is said.
func TestPeerNamed(t *testing.T) {
	t.Parallel()
	l := newPeerLab(t)
	workbench.Need(t, "named")
	r := l.StartResolver(t)
	named := lab.Peer(t, "named")
	b := l.start(l.ForwarderB, named, lab.ForwarderB, "")
	a := l.forwarderA("--watch", peerName)
	l.ask(lab.ForwarderA)
	wantMatch(t, a.says("10.79.2.10#53 agrees since"), `0 of 1 compared`)
	waitFor(t, "both data compared", func() bool {
		l.ask(lab.ForwarderA, lab.ForwarderB)
		return strings.Contains(a.get("/metrics"), `forwarder_peer_compared_names{server="10.79.2.10:53"} 1`)
	})
	if err := r.Set(peerName + ". 10 IN A 10.79.6.99"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "new data at both", func() bool {
		l.ask(lab.ForwarderA, lab.ForwarderB)
		return strings.Contains(a.get("/metrics"), `forwarder_peer_compared_names{server="10.79.2.10:53"} 1`) && strings.Contains(a.get("/api/v1/status"), `"theirs":["10.79.6.99"],"state":"agrees"`)
	})
	if a.Wrote("gives other data") {
		t.Errorf("what TTLs explain is said to be a disagreement:\n%s", a.Tail())
	}
	a.says("0 of 1 compared") // nobody asks
	a.rndc("override", "add", peerName, "A", "10.79.9.9")
	a.WaitToSay(t, "peer 10.79.2.10#53 gives other data: "+peerName+" A is not overridden there (upstream says 10.79.6.99), 10.79.9.9 here")
	a.rndc("override", "delete", peerName)
	a.WaitToSay(t, "peer 10.79.2.10#53 agrees again")
	b.End(t)
	a.WaitToSay(t, "peer 10.79.2.10#53 does not answer")
	b = l.start(l.ForwarderB, named, lab.ForwarderB, "allow-query-cache { none; };")
	a.says("10.79.2.10#53 down since")
	a.WaitToSay(t, "peer 10.79.2.10#53 answers with REFUSED: it is to let this forwarder ask (allow-query, allow-query-cache)")
	b.End(t)
	l.start(l.ForwarderB, named, lab.ForwarderB, "")
	a.WaitToSay(t, "peer 10.79.2.10#53 answers again")
}

// A peer over IPv6, and of more data than a datagram has room for, is compared: over TCP.
func TestPeerOverIPv6(t *testing.T) {
	t.Parallel()
	named := workbench.Need(t, "named")
	v6, addr := netip.AddrPortFrom(netip.IPv6Loopback(), freeAddr(t).Port()), freeAddr(t)
	dir := t.TempDir()
	zone := "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n"
	for i := range 95 { // BIND takes 100 of a set
		zone += fmt.Sprintf("large A 10.1.1.%d\n", i)
	}
	for name, text := range map[string]string{"corp.zone": zone, "named.conf": fmt.Sprintf(`options { directory %q; pid-file none; session-keyfile none;
		listen-on { none; }; listen-on-v6 port %d { ::1; }; recursion no; }; controls { }; zone "corp.test" { type primary; file "corp.zone"; };`, dir, v6.Port())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lab.Start(t, "named", exec.Command(named, "-g", "-c", filepath.Join(dir, "named.conf"))).WaitFor(t, v6)
	conf := fmt.Sprintf(`options { listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; directory %q; pid-file none; }; controls { };
		zone "corp.test" { type forward; forward only; forwarders { ::1 port %d; }; };`, addr.Port(), dir, v6.Port())
	path, at := filepath.Join(dir, "forwarder.conf"), freeAddr(t)
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	p := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "-c", path, "--metrics-address", at.String(), "--watch", "large.corp.test", "--peer", fmt.Sprintf("[::1]:%d", v6.Port())))
	p.WaitFor(t, addr)
	client := dns.Client{Net: "tcp", Timeout: 20 * time.Second}
	if m, _, err := client.Exchange(new(dns.Msg).SetQuestion("large.corp.test.", dns.TypeA), addr.String()); err != nil || len(m.Answer) != 95 {
		t.Fatalf("the large name is %v, %v", m, err)
	}
	want := fmt.Sprintf("forwarder_peer_compared_names{server=\"[::1]:%d\"} 1\n", v6.Port())
	waitFor(t, "a large answer compared", func() bool {
		return strings.Contains(waitStatus(t, fmt.Sprintf("http://%v/metrics", at), http.StatusOK), want)
	})
	if p.Wrote("gives other data") {
		t.Errorf("the same data is said to be other:\n%s", p.Tail())
	}
}

// A peer has an address, and another one than this forwarder.
func TestPeerFlag(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1#53", "10.0.0.1#5353": "10.0.0.1#5353", "10.0.0.1:5353": "10.0.0.1#5353", "fd00::1": "fd00::1#53",
		"[fd00::1]:5": "fd00::1#5", "fd00::1#5": "fd00::1#5", "fe80::1%eth0": "fe80::1%eth0#53", "::ffff:10.0.0.1": "10.0.0.1#53",
		"b.example.corp": "", "": "", "0.0.0.0": "", "::": "", "224.0.0.1": "", "10.0.0.1#0": "", "10.0.0.1#70000": "", "10.0.0": "", "10.0.0.1#": "",
	} {
		var p peerAddresses
		if err := p.Set(text); (err == nil) != (want != "") || p.String() != want {
			t.Errorf("--peer %q: %v, %q, want %q", text, err, p.String(), want)
		}
	}
	l := newPeerLab(t)
	cmd := exec.Command(l.program, "-g", "-c", lab.Forwarder(t, l.program).WriteConf(t, lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.Resolver}}),
		"--peer", lab.ForwarderB, "--peer", lab.ForwarderA)
	code, _, text := l.ForwarderA.Run(t, cmd)
	if want := "--peer 10.79.1.10#53 is an address of this forwarder: give the other one's"; code != exitFailure || !strings.Contains(text, want) {
		t.Errorf("with its own address as peer: %d, %s, want %q", code, text, want)
	}
}
