package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
	"vpcdns/testdata"
)

// The addresses of an instance with two interfaces, as deploy/aws.md has them.
const (
	firstSource, secondSource = "10.79.1.10", "10.79.4.10"
)

// twoInterfaces is an instance in a VPC that treats each of its interfaces as AWS does:
// a packet whose source address is not the interface's own is dropped, and so are those
// to the resolver that exceed 1024 a second.
type twoInterfaces struct {
	vpc, instance *lab.Namespace
	program, conf string
	process       *lab.Process
}

const vpcRules = `table ip vpc {
	chain interfaces {
		type filter hook prerouting priority raw;
		iifname "eni0" ip saddr != 10.79.1.10 counter drop
		iifname "eni1" ip saddr != 10.79.4.10 counter drop
		iifname "eni0" ip daddr 10.79.0.2 limit rate over 1024/second burst 128 packets drop
		iifname "eni1" ip daddr 10.79.0.2 limit rate over 1024/second burst 128 packets drop
	}
}
`

func newTwoInterfaces(t *testing.T) *twoInterfaces {
	t.Helper()
	workbench.NeedRoot(t)
	for _, program := range []string{"ip", "nft", "unshare"} {
		workbench.Need(t, program)
	}
	w := &twoInterfaces{vpc: lab.NewNamespace(t), instance: lab.NewNamespace(t), program: lab.BuildForwarder(t)}
	w.vpc.IP(t, "link set lo up", "addr add 10.79.0.2/32 dev lo",
		"link add eni0 type veth peer name ens5 netns "+w.instance.Path(),
		"link add eni1 type veth peer name ens6 netns "+w.instance.Path(),
		"addr add 10.79.1.1/24 dev eni0", "link set eni0 up", "addr add 10.79.4.1/24 dev eni1", "link set eni1 up")
	w.instance.IP(t, "link set lo up", "link set ens5 up", "link set ens6 up",
		"addr add "+firstSource+"/24 dev ens5", "addr add "+secondSource+"/24 dev ens6", "route add default via 10.79.1.1")
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(vpcRules)
	if code, out, errs := w.vpc.Run(t, nft); code != 0 {
		t.Fatalf("nft = %d, %s%s", code, out, errs)
	}
	w.startResolver(t)
	w.conf = filepath.Join(t.TempDir(), "named.conf")
	write(t, w.conf, lab.Key+`controls { inet 127.0.0.1 allow { 127.0.0.1; } keys { "rndc-key"; }; };
options {
	directory "/var"; pid-file none; listen-on { 127.0.0.1; }; listen-on-v6 { none; };
	dnssec-validation no; recursion yes; allow-query { 127.0.0.1; }; forward only; forwarders { 10.79.0.2; };
};
`)
	return w
}

func (w *twoInterfaces) startResolver(t *testing.T) {
	t.Helper()
	r, err := vpcresolver.New(testdata.Zone, true)
	if err == nil {
		err = r.Set("*.cold.awslab.mycompany.corp. 3600 IN A 10.79.6.11")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.vpc.Do(t, func() { _, err = r.Listen(netip.MustParseAddrPort("10.79.0.2:53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
}

func (w *twoInterfaces) start(t *testing.T, flags ...string) {
	t.Helper()
	w.process = w.instance.Start(t, "the forwarder", lab.Command(t, nil, "", append([]string{w.program, "-g", "--metrics-address=", "-c", w.conf}, flags...)...), "127.0.0.1")
}

// load asks for names that nobody has asked for before.
func (w *twoInterfaces) load(prefix string, rate int, long time.Duration) lab.Load {
	return lab.Load{From: w.instance, Servers: []string{"127.0.0.1"}, Rate: rate, For: long, Name: func(i int) string {
		return fmt.Sprintf("%s%d.cold.awslab.mycompany.corp.", prefix, i)
	}}
}

// sent returns how many queries have left from an address.
func (w *twoInterfaces) sent(t *testing.T, source string) int {
	t.Helper()
	text := w.rndc(t, "upstreams")
	found := regexp.MustCompile(`(?m)^  from ` + regexp.QuoteMeta(source) + ` \(.*\): queries sent (\d+),`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("rndc upstreams does not tell of %s:\n%s", source, text)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

func (w *twoInterfaces) rndc(t *testing.T, command string) string {
	t.Helper()
	code, out, errs := w.instance.Run(t, exec.Command(w.program, "rndc", "-s", "127.0.0.1", "-k", lab.WriteKey(t), command))
	if code != 0 {
		t.Fatalf("rndc %s = %d, %s%s", command, code, out, errs)
	}
	return out
}

// doctor examines the instance with the flags of a service.
func (w *twoInterfaces) doctor(t *testing.T, flags ...string) string {
	t.Helper()
	setup := `mkdir /run/etc && cp -a /etc/. /run/etc && mount --bind /run/etc /etc && mkdir -p /etc/sysconfig /var/named
echo 'OPTIONS="` + strings.Join(flags, " ") + `"' >/etc/sysconfig/forwarder`
	_, out, errs := w.instance.Run(t, lab.Command(t, nil, setup, w.program, "doctor", w.conf))
	return out + errs
}

// routeCommands are those that deploy/aws.md gives for this instance.
func routeCommands(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## A second interface\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, line := range regexp.MustCompile(`(?m)^ip (r(?:oute|ule) .*)$`).FindAllStringSubmatch(section, -1) {
		lines = append(lines, line[1])
	}
	if !ok || len(lines) < 2 {
		t.Fatalf("deploy/aws.md gives no commands for a second interface: %q", lines)
	}
	return lines
}

// TestSecondInterface: the addresses of two interfaces share the load, each within its
// budget; while the routes of the second are missing the first is asked from alone,
// and it is said what to do.
func TestSecondInterface(t *testing.T) {
	w := newTwoInterfaces(t)
	sources := []string{"--query-source", firstSource, "--query-source", secondSource}

	w.start(t, sources...)
	all := w.load("early", 200, 6*time.Second).Run(t.Context(), t)
	if failed := all.Failed(); len(failed) > 0 {
		t.Errorf("%d of %d names failed while one source has no route", len(failed), len(all))
	}
	w.process.WaitToSay(t, "upstream 10.79.0.2#53 does not answer to 10.79.4.10: ens6 has the address, but its packets leave by ens5; give it routes of its own: ip rule add from 10.79.4.10 lookup TABLE, ip route add default via GATEWAY dev ens6 table TABLE")
	wantMatch(t, w.rndc(t, "upstreams"), `^  from 10\.79\.1\.10 \(ens5\): queries sent \d+, answered \d+$`,
		`^  from 10\.79\.4\.10 \(ens5\): queries sent \d+, answered 0; left out for .*: no answers come$`, `^packet budget of ens5: 900 packets/s`)
	if out := w.rndc(t, "summary"); !strings.Contains(strings.Join(strings.Fields(out), " "), "does not answer to 10.79.4.10") {
		t.Errorf("rndc summary does not tell of the source:\n%s", out)
	}
	wantMatch(t, w.doctor(t, sources...), `^ok +upstream +10\.79\.0\.2#53 from 10\.79\.1\.10: UDP`, `^PROBLEM +upstream +10\.79\.0\.2#53 from 10\.79\.4\.10: UDP: no answer`,
		`^warning +source address +10\.79\.0\.2#53 is asked from 10\.79\.4\.10 of ens6, but the packets leave by ens5: a VPC drops them: ip rule add from 10\.79\.4\.10 lookup TABLE`)

	w.instance.IP(t, routeCommands(t)...)
	wait, stop := w.load("mended", 50, 2*time.Minute).Start(t)
	w.process.WaitToSay(t, "upstream is asked from 10.79.4.10 again")
	time.Sleep(5 * time.Second) // routes are looked at every two seconds
	stop()
	if failed := wait().Failed(); len(failed) > 0 {
		t.Errorf("%d names failed while the routes were mended", len(failed))
	}
	wantMatch(t, w.rndc(t, "upstreams"), `^  from 10\.79\.4\.10 \(ens6\): queries sent \d+, answered \d+$`, `^packet budget of ens5\+ens6: 1800 packets/s`, `^  ens5: 900 packets/s`, `^  ens6: 900 packets/s`)
	if out := w.doctor(t, sources...); strings.Contains(out, "PROBLEM  upstream") || !strings.Contains(out, "10.79.0.2#53 is asked from 10.79.4.10 (ens6)") {
		t.Errorf("doctor finds the routes wrong still:\n%s", out)
	}

	before := [2]int{w.sent(t, firstSource), w.sent(t, secondSource)}
	w.load("two", 1500, 4*time.Second).Run(t.Context(), t)
	first, second := w.sent(t, firstSource)-before[0], w.sent(t, secondSource)-before[1]
	t.Logf("%d packets left by one interface and %d by the other", first, second)
	if least := (first + second) / 4; first < least || second < least || first+second < 1000 {
		t.Errorf("%d packets left by one interface and %d by the other, want the load shared", first, second)
	}
}
