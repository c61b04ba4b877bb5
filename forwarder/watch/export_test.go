package watch

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// pages are all pages of an export.
func pages(t testing.TB, table *Table, most int, m Moment) (list []page) {
	t.Helper()
	for next := ""; ; {
		b, err := table.Export(ExportFrom{Next: next}, most, m)
		if err != nil || len(b) > most {
			t.Fatalf("Export from %q = %d octets, %v, want %d at most", next, len(b), err, most)
		}
		var p page
		if err := json.Unmarshal(b, &p); err != nil {
			t.Fatalf("Export from %q = %v: %s", next, err, b)
		}
		list = append(list, p)
		if p.Next == "" {
			return list
		}
		if p.Next <= next {
			t.Fatalf("the page from %q is followed by the one from %q", next, p.Next)
		}
		next = p.Next
	}
}

// An export says nothing of who holds what, of verifications, and of tokens.
func TestExportLeavesOut(t *testing.T) {
	table, m := everything(t)
	client := netip.MustParseAddr("192.0.2.77")
	table.Given([]byte("\x03www\x04corp\x07example\x00"), dns.TypeA, client, 5, m.Now)
	must(t, table.AddOverride(Override{Name: "app.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.7"}, Lease: "my-secret-token"}, m))
	b, err := table.Export(ExportFrom{}, MinExport, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`"ledger"`, `"verify"`, "my-secret-token", client.String(), `"name":"a"`} {
		if strings.Contains(string(b), word) {
			t.Errorf("the export has %s: %s", word, b)
		}
	}
	state, err := table.AppendState(nil, m)
	if err != nil || strings.Contains(string(state), "my-secret-token") {
		t.Errorf("the state has the token: %s, %v", state, err)
	}
	must(t, table.ConfirmOverride("app.corp.example", "my-secret-token", m))
	if err := table.ConfirmOverride("app.corp.example", digest("my-secret-token"), m); err == nil {
		t.Error("who has read the digest can confirm")
	}
}

// Pages hold each name, type and pattern, whatever each is large.
func TestExportPages(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	want := make(map[string]bool)
	add := func(name string, rtype uint16, data ...string) {
		must(t, table.AddOverride(Override{Name: name, Type: rtype, Data: data}, m))
		want[name+" "+typeText(rtype)] = true
	}
	for i := range 300 {
		name := fmt.Sprintf("n%d.%s.corp.example", i, strings.Repeat("x", i%60+1))
		must(t, table.Watch(name, m))
		add(name, dns.TypeA, "10.0.0.1")
		must(t, table.Watch(fmt.Sprintf("*.z%d.example", i), m))
		want[name], want[fmt.Sprintf("*.z%d.example", i)] = true, true
	}
	odd := strings.Repeat(`"`+strings.Repeat(`\007`, 60)+`" `, 190)
	for i := range 20 {
		name := fmt.Sprintf("large%d.corp.example", i)
		add(name, dns.TypeTXT, odd)
		add(name, dns.TypeAAAA, "fd00::1")
	}
	list := pages(t, table, MinExport, m)
	if len(list) < 2 {
		t.Errorf("%d pages", len(list))
	}
	for _, p := range list {
		for _, zone := range p.Zones {
			delete(want, "*."+zone)
		}
		for _, n := range p.Names {
			if n.Watched {
				delete(want, n.Name)
			}
			for _, raw := range n.Sets {
				var s savedSet
				must(t, json.Unmarshal(raw, &s))
				if len(s.Overrides) == 1 {
					delete(want, n.Name+" "+s.Type)
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("%d are on none of %d pages: %v", len(want), len(list), want)
	}
}

// The tag tells whether there is anything new.
func TestExportTag(t *testing.T) {
	table, m := everything(t)
	tag := pages(t, table, MinExport, m)[0].Tag
	export := func() (p page) {
		b, err := table.Export(ExportFrom{Unless: tag}, MinExport, m)
		must(t, err)
		must(t, json.Unmarshal(b, &p))
		return p
	}
	if p := export(); !p.Same || len(p.Names) > 0 || p.ID != table.id {
		t.Errorf("nothing changed: %+v", p)
	}
	must(t, table.Watch("more.corp.example", m))
	if p := export(); p.Same || !slices.ContainsFunc(p.Names, func(n pageName) bool { return n.Name == "more.corp.example" && n.Watched }) {
		t.Errorf("a name more: %+v", p)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
