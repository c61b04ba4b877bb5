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

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/workbench"
)

// TestZoneFilesAgainstNamed loads all kinds of master files as BIND does: the same ones,
// and the same records of them.
func TestZoneFilesAgainstNamed(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { // named wants to write there
		t.Fatal(err)
	}
	conf := `controls { };
options { directory "` + dir + `"; pid-file none; session-keyfile none; listen-on port {port} { {address}; };
	listen-on-v6 { none; }; allow-transfer { any; }; notify no; recursion no; };
`
	files := workbench.MasterFiles(t, "../../testdata/zones/masterfiles.txt", dir)
	for _, f := range files {
		if !f.IsInclude() {
			conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", f.Name+".test", f.Name)
		}
	}
	addr := freeAddr(t)
	startNamed(t, program, conf, addr).WaitToSay(t, "all zones loaded")
	for _, f := range files {
		if f.IsInclude() {
			continue
		}
		apex := f.Name + ".test."
		records, problems := local.Load(local.File{Apex: apex, Path: filepath.Join(dir, f.Name), Dir: dir, Checks: local.DefaultChecks()})
		if got, want := normalRecords(records), normalRecords(transfer(t, apex, addr)); !slices.Equal(got, want) {
			t.Errorf("%s: %d records, named has %d: %s\n%v\n%s", f.Name, len(got), len(want), firstDifference(got, want), problems, f.Text)
		}
	}
}

// transfer returns the records of a zone, none if it was not loaded.
func transfer(t *testing.T, zone string, from netip.AddrPort) []dns.RR {
	t.Helper()
	m := new(dns.Msg)
	m.SetAxfr(zone)
	envelopes, err := new(dns.Transfer).In(m, from.String())
	if err != nil {
		t.Fatal(err)
	}
	var records []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			return nil
		}
		records = append(records, e.RR...)
	}
	return records[:len(records)-1] // the SOA comes again
}

// normalRecords are records as they are sent, in an order of their own, whatever the
// letters of names.
func normalRecords(records []dns.RR) []string {
	list := make([]string, len(records))
	buf := make([]byte, 1<<17)
	for i, rr := range records {
		n, err := dns.PackRR(rr, buf, 0, nil, false)
		if err != nil {
			return []string{err.Error()}
		}
		rr, _, err = dns.UnpackRR(buf[:n], 0)
		if err != nil {
			return []string{err.Error()}
		}
		list[i] = strings.ToLower(strings.Join(strings.Fields(rr.String()), " "))
	}
	slices.Sort(list)
	return list
}

func firstDifference(got, want []string) string {
	for _, line := range got {
		if !slices.Contains(want, line) {
			return "has " + line
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			return "lacks " + line
		}
	}
	return "the same, but not as often"
}
