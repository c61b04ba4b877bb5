package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
)

// Two servers that each know the other's zone wrongly, and two zones served here:
// CNAMEs and DNAMEs lead from each to each.
const (
	chainsCorp = `
corp.test. 300 SOA ns.corp.test. h.corp.test. 1 7200 900 1209600 300
lab.test. 300 SOA wrong.corp.test. h.corp.test. 1 7200 900 1209600 300
local.test. 300 SOA wrong.corp.test. h.corp.test. 1 7200 900 1209600 300
stable.corp.test. 300 A 10.0.1.1
stable.corp.test. 300 TXT "corp"
app.corp.test. 300 CNAME stable.lab.test.
stable.lab.test. 300 A 203.0.113.9
stable.lab.test. 300 TXT "wrong"
gone.corp.test. 300 CNAME here.lab.test.
typed.corp.test. 300 CNAME typed.lab.test.
typed.lab.test. 300 HINFO "wrong" "type"
nowhere.corp.test. 300 CNAME nosuch.lab.test.
nosuch.lab.test. 300 A 203.0.113.9
two.corp.test. 300 CNAME one.corp.test.
one.corp.test. 300 CNAME alias.lab.test.
tolocal.corp.test. 300 CNAME host.local.test.
host.local.test. 300 A 203.0.113.9
tonolocal.corp.test. 300 CNAME nosuch.local.test.
toalias.corp.test. 300 CNAME db.local.test.
toempty.corp.test. 300 CNAME 4.3.168.192.in-addr.arpa.
4.3.168.192.in-addr.arpa. 300 PTR wrong.corp.test.
tobelow.corp.test. 300 CNAME x.sub.local.test.
sub.local.test. 300 SOA ns.sub.local.test. h.corp.test. 1 7200 900 1209600 300
x.sub.local.test. 300 A 10.0.1.9
dn.corp.test. 300 DNAME lab.test.
loop.corp.test. 300 CNAME loop.lab.test.
looplocal.corp.test. 300 CNAME loop.local.test.
`
	chainsLab = `
lab.test. 300 SOA ns.lab.test. h.lab.test. 1 7200 900 1209600 300
stable.lab.test. 300 A 10.0.2.1
stable.lab.test. 300 MX 5 here.lab.test.
here.lab.test. 300 A 10.0.2.2
here.lab.test. 300 AAAA fd00::2
typed.lab.test. 300 TXT "lab"
alias.lab.test. 300 CNAME stable.corp.test.
stable.corp.test. 300 A 203.0.113.9
loop.lab.test. 300 CNAME loop.corp.test.
`
	chainsLocal = `$TTL 300
@ IN SOA ns admin ( 1 3600 600 86400 60 )
  IN NS ns
ns IN A 10.0.3.53
host IN A 10.0.3.1
alias IN CNAME host
db IN CNAME stable.lab.test.
corp IN CNAME app.corp.test.
dead IN CNAME nosuch.lab.test.
other IN CNAME host.other.test.
deep IN CNAME db.other.test.
*.wild IN CNAME here.lab.test.
self IN CNAME self
loop IN CNAME looplocal.corp.test.
dn IN DNAME lab.test.
sub IN NS ns.sub
ns.sub IN A 10.0.3.99
`
	chainsOther = `$TTL 300
@ IN SOA ns admin ( 1 3600 600 86400 60 )
  IN NS ns
ns IN A 10.0.4.53
host IN A 10.0.4.1
db IN CNAME db.local.test.
`
	chainsConf = `
controls { };
options {
    directory "{dir}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} { {address}; };
    listen-on-v6 { none; };
    allow-query { any; };
    dnssec-validation no;
    cookie-algorithm siphash24;
    forwarders { {corp}; };
    forward only;
};
zone "corp.test" { type forward; forward only; forwarders { {corp}; }; };
zone "lab.test" { type forward; forward only; forwarders { {lab}; }; };
zone "local.test" { type primary; file "{zones}/local.test"; };
zone "other.test" { type primary; file "{zones}/other.test"; };
`
)

// chainNames begin a chain, or end one.
var chainNames = strings.Fields(`app.corp.test. gone.corp.test. typed.corp.test. nowhere.corp.test. two.corp.test. tolocal.corp.test.
	tonolocal.corp.test. toalias.corp.test. toempty.corp.test. tobelow.corp.test. here.dn.corp.test. nosuch.dn.corp.test.
	alias.lab.test. loop.corp.test. looplocal.corp.test. loop.lab.test. alias.local.test. db.local.test. corp.local.test.
	dead.local.test. other.local.test. deep.local.test. x.wild.local.test. self.local.test. loop.local.test. here.dn.local.test.
	x.sub.local.test. db.other.test. stable.lab.test. here.lab.test. stable.corp.test. host.local.test.`)

// TestDifferentialChains asks BIND and the forwarder for chains that lead from
// source to source.
func TestDifferentialChains(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	zones := t.TempDir()
	for name, text := range map[string]string{"local.test": chainsLocal, "other.test": chainsOther} {
		if err := os.WriteFile(filepath.Join(zones, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf := strings.NewReplacer("{corp}", startZone(t, chainsCorp), "{lab}", startZone(t, chainsLab), "{zones}", zones).Replace(chainsConf)
	both := servers{named: freeAddr(t), ours: freeAddr(t)}
	startNamed(t, program, conf, both.named)
	startForwarder(t, lab.BuildForwarder(t), conf, both.ours)
	both.run(t, []phase{
		{name: "cold cache", fresh: true, probes: chainProbes(flagRD, false)},
		{name: "warm cache", probes: chainProbes(flagRD, true)},
		{name: "RD=0", probes: slices.DeleteFunc(chainProbes(0, false), belowDelegation)},
	}, deviations)
}

// belowDelegation reports whether a probe leads below a delegation: with RD=0 BIND
// refers to that, and the forwarder to what it has in its cache.
func belowDelegation(p probe) bool {
	return strings.HasPrefix(p.title, "tobelow.") || strings.Contains(p.title, ".sub.local.")
}

// startZone starts a stand-in that has these records, and returns it as
// `forwarders` names it.
func startZone(t *testing.T, records string) string {
	t.Helper()
	r, err := vpcresolver.New(records, false)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := r.Listen(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return fmt.Sprintf("%s port %d", addr.Addr(), addr.Port())
}

func chainProbes(flags uint16, do bool) []probe {
	var probes []probe
	for _, name := range chainNames {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeMX, dns.TypeCNAME, dns.TypePTR, dns.TypeHINFO} {
			q := usual(name, qtype)
			q.flags, q.do = flags, do
			title := fmt.Sprintf("%s type %d flags %#x DO %v", name, qtype, flags, do)
			probes = append(probes, overBoth(title, q.pack())...)
		}
	}
	return probes
}
