package main

import (
	"cmp"
	"fmt"
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

// zonesConf serves a zone with all that zones may have, one that its aliases lead to, and one
// below a delegation of it.
const zonesConf = `
zone "kinds.test" { type primary; file "{zones}/{kinds}"; };
zone "other.test" { type primary; file "{zones}/other.zone"; };
`

// TestDifferentialZones asks BIND and the forwarder for all that is in a primary zone, unsigned,
// and signed in each way.
func TestDifferentialZones(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	ours := lab.BuildForwarder(t)
	zones := copyZones(t)
	for _, test := range []struct{ kinds, options string }{
		{"kinds.zone", ""},
		{"kinds.zone", "minimal-responses yes; minimal-any yes;"},
		{"kinds.zone", "recursion no;"},
		{"kinds-nsec.zone", ""},
		{"kinds-nsec.zone", "minimal-any yes;"},
		{"kinds-nsec3.zone", ""},
		{"kinds-optout.zone", ""},
	} {
		t.Run(test.kinds+" "+test.options, func(t *testing.T) {
			resolver, upstream := startResolver(t)
			setDelegated(t, resolver)
			conf := differentialText(upstream, test.options) + strings.NewReplacer("{zones}", zones, "{kinds}", test.kinds).Replace(zonesConf)
			both := servers{named: freeAddr(t), ours: freeAddr(t)}
			startNamed(t, program, conf, both.named).WaitToSay(t, "all zones loaded")
			startForwarder(t, ours, conf, both.ours)
			both.run(t, zonePhases(t, test.kinds != "kinds.zone"), zoneDeviations)
		})
	}
}

// zoneDeviations are those of deviations that are to be seen in zones too.
var zoneDeviations = slices.DeleteFunc(slices.Clone(deviations), func(d deviation) bool {
	return !slices.Contains([]string{
		"SERVFAIL says why, in an EDE",
		"AD is never set",
		"it may fit: names are compressed more",
		"a signed denial below a DNAME of a primary zone may be 8 octets longer",
		"which of several sets `minimal-any` leaves may be another one",
	}, d.reason)
})

// setDelegated has the stand-in serve what kinds.test delegates, and what its aliases lead to.
func setDelegated(t *testing.T, r *vpcresolver.Resolver) {
	t.Helper()
	for _, apex := range []string{"sub.kinds.test.", "secure.kinds.test.", "glueless.kinds.test.", "deep.er.kinds.test.", "elsewhere.test."} {
		if err := r.Set(apex+" 60 IN SOA a. b. 1 2 3 4 60", "www."+apex+" 60 IN A 10.79.5.1"); err != nil {
			t.Fatal(err)
		}
	}
}

// copyZones copies the zones to where named may read them.
func copyZones(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("../../testdata/zones/*.zone")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(path)), string(text))
	}
	return dir
}

// zoneVariants are ways to ask the same.
var zoneVariants = map[string]func(*query){
	"":             func(*query) {},
	" DO":          func(q *query) { q.do = true },
	" RD=0":        func(q *query) { q.flags = 0 },
	" RD=0 DO":     func(q *query) { q.flags, q.do = 0, true },
	" no EDNS":     func(q *query) { q.edns = false },
	" 512":         func(q *query) { q.size = 512 },
	" 512 DO RD=0": func(q *query) { q.size, q.do, q.flags = 512, true, 0 },
	" CD":          func(q *query) { q.flags |= flagCD },
}

func zonePhases(t *testing.T, signed bool) []phase {
	var list []phase
	for variant, change := range zoneVariants {
		p := phase{name: "zones" + variant, fresh: true, local: true}
		for _, name := range kindsNames(t) {
			for _, qtype := range zoneTypes {
				if qtype == dns.TypeRRSIG && name == "www.sub.kinds.test." {
					continue // BIND does not recurse for signatures
				}
				if signed && strings.HasSuffix(name, "x.inside.kinds.test.") {
					continue // BIND leaves out half of the proof for an empty wildcard
				}
				q := usual(name, qtype)
				change(&q)
				title := fmt.Sprintf("zone %s %v%s", name, dns.Type(qtype), variant)
				p.probes = append(p.probes, probe{title: title, packet: q.pack()})
				if variant == "" || variant == " DO" {
					p.probes = append(p.probes, probe{title: title + " TCP", packet: q.pack(), tcp: true})
				}
			}
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b phase) int { // RD=0 first: the forwarder would answer it from its cache
		return cmp.Or(strings.Index(b.name, "RD=0")-strings.Index(a.name, "RD=0"), strings.Compare(a.name, b.name))
	})
	return list
}

var zoneTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypeSOA, dns.TypeMX, dns.TypeTXT, dns.TypeSRV,
	dns.TypePTR, dns.TypeSVCB, dns.TypeHTTPS, dns.TypeNAPTR, dns.TypeAFSDB, dns.TypeKX, dns.TypeRT, dns.TypePX, dns.TypeRP, dns.TypeLP, dns.TypeCAA, dns.TypeLOC, 11, 65534,
	dns.TypeDS, dns.TypeDNSKEY, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeRRSIG, dns.TypeANY, dns.TypeCDS,
}

// kindsNames are the owners in the zone, as written, and names that it has not.
func kindsNames(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/zones/kinds.zone")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{
		"nothing.kinds.test.", "x.nothing.kinds.test.", "x.www.kinds.test.", "KINDS.test.", "wWw.Kinds.TEST.", "many7.kinds.test.", "er.kinds.test.", "c.kinds.test.", "b.c.kinds.test.",
		"x.b.c.kinds.test.", "inside.kinds.test.", "x.inside.kinds.test.", "y.x.inside.kinds.test.", "*.kinds.test.", "a.wild.kinds.test.", "a.b.wild.kinds.test.", "x.in.wild.kinds.test.", "wild.kinds.test.",
		"sub.in.wild.kinds.test.", "y.sub.in.wild.kinds.test.", "x.y.sub.in.wild.kinds.test.", "x.wild-alias.kinds.test.", "x.wild-mail.kinds.test.", "x.wild-none.kinds.test.", "x.wild-other.kinds.test.", "x.wild-sub.kinds.test.", "y.wild-loop.kinds.test.",
		"www.renamed.kinds.test.", "nothing.renamed.kinds.test.", "x.y.renamed.kinds.test.", "www.renamed-self.kinds.test.", "www.renamed-other.kinds.test.", "nothing.renamed-other.kinds.test.", "x.renamed-wild.kinds.test.", "x.renamed-long.kinds.test.",
		"x.star-renamed.kinds.test.", "www.x.star-renamed.kinds.test.", "www.sub.kinds.test.", "x.sub.kinds.test.", "x.secure.kinds.test.", "x.glueless.kinds.test.", "x.deep.er.kinds.test.", "_tcp.kinds.test.", "www.other.test.", "back.other.test.", "other.test.",
	}
	p := dns.NewZoneParser(strings.NewReader(string(text)), "kinds.test.", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if rr.Header().Rrtype != dns.TypeTXT || !strings.HasPrefix(rr.Header().Name, "many") {
			names = append(names, rr.Header().Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
