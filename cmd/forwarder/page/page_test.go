package page

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

const app = "app.corp.example"

// An operator sees a failover: what the name had and has, who said so, who may still
// hold the old, and the override that follows.
func TestFailoverIsSeen(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{Watch: []string{app + "."}})
	s.ask(app+".", dns.TypeA)
	s.until("the first data", func(d *Document) bool {
		strip := d.name(app).Strip
		return len(strip) > 0 && slices.Equal(strip[len(strip)-1].Data, []string{"10.79.1.10"})
	})
	s.set(app+".", "10.79.2.10")
	d := s.until("the new data", func(d *Document) bool {
		s.ask(app+".", dns.TypeA)
		n := d.name(app)
		return len(n.History) > 0 && len(n.Strip) > 1 && slices.Equal(n.Strip[len(n.Strip)-1].Data, []string{"10.79.2.10"})
	})
	n := d.name(app)
	if c := n.History[0]; c.Source != watch.Upstream || !slices.Equal(c.Old, []string{"10.79.1.10"}) || !slices.Equal(d.Changes[0].New, c.New) {
		t.Errorf("the change is %+v, and in the list of all %+v", c, d.Changes[0])
	}
	if first, last := n.Strip[len(n.Strip)-2], n.Strip[len(n.Strip)-1]; first.Data[0] != "10.79.1.10" || first.Until.After(last.From) || last.Why != "guard" || last.Type != "A" {
		t.Errorf("the strip ends with %+v, %+v, want the old data, and the new under a guard", first, last)
	}
	old := slices.IndexFunc(n.Ledger, func(l watch.LedgerStatus) bool { return !l.Given })
	if old < 0 || n.Ledger[old].Data[0] != "10.79.1.10" || n.Ledger[old].Names != nil {
		t.Errorf("the ledger is %+v, want who holds the old data, without addresses", n.Ledger)
	}
	if err := s.server.AddOverride(watch.Override{Name: app + ".", Type: dns.TypeA, Data: []string{"10.79.3.10"}, By: "key 'ops' at 192.0.2.77#999"}); err != nil {
		t.Fatal(err)
	}
	d = s.until("the override", func(d *Document) bool {
		strip := d.name(app).Strip
		return len(d.Overrides) == 1 && strip[len(strip)-1].Why == "override"
	})
	if by := d.Overrides[0].By; by != "key 'ops' at a client" || d.name(app).Overrides[0].By != by || d.Watch.Overrides != 1 {
		t.Errorf("the override is by %q, want the key without its address", by)
	}
	_, text := s.document()
	s.writeSample(text)
	if strings.Contains(text, "192.0.2.77") {
		t.Errorf("the document has an operator's address:\n%s", text)
	}
}

// sample.json is what this test saw last with -update; here it is one of its form.
func (s *site) writeSample(text string) {
	s.t.Helper()
	const path = "sample.json"
	if *update {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(text+"\n"), "", "  "); err != nil {
			s.t.Fatal(err)
		}
		s.write(path, pretty.String())
	}
	sample, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	var now, then map[string]any
	decode(s.t, text, &now)
	decode(s.t, string(sample), &then)
	if lost := missing("", now, then); len(lost) > 0 {
		s.t.Errorf("sample.json lacks %v: run this test with -update", lost)
	}
}

// missing are the fields of an object that another lacks, but for what maps have.
func missing(path string, now, then map[string]any) (lost []string) {
	for key, value := range now {
		other, there := then[key]
		if !there {
			lost = append(lost, path+key)
			continue
		}
		inner, ok := value.(map[string]any)
		if theirs, too := other.(map[string]any); ok && too && key != "columns" && key != "by_rcode" && key != "clients" {
			lost = append(lost, missing(path+key+".", inner, theirs)...)
		}
	}
	return lost
}

// What a name or its data says is text: no markup of it stands in the document.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	const odd = `\<script\>alert\(1\)\<\/script\>.corp.example.`
	s := newSite(t, Options{}, "", forwarder.Options{})
	if err := s.server.WatchName(odd); err != nil {
		t.Fatal(err)
	}
	s.ask(odd, dns.TypeA)
	d := s.until("the name", func(d *Document) bool { return len(d.Names) == 1 && len(d.Names[0].Strip) > 0 })
	if _, text := s.document(); strings.ContainsAny(text, "<>&") {
		t.Errorf("the document has markup:\n%s", text)
	}
	if !strings.Contains(d.Names[0].Name, "script") {
		t.Errorf("the name is %q", d.Names[0].Name)
	}
}

// Clients are there by address only where that is asked for: who holds an answer, who
// asks most, who is refused, who has set an override. How many there are is always there.
func TestClients(t *testing.T) {
	t.Parallel()
	const holder, refused, operator = "127.0.0.99", "127.0.0.98", "192.0.2.77"
	for _, shown := range []bool{false, true} {
		s := newSite(t, Options{Clients: shown}, "allow-query { "+holder+"; };", forwarder.Options{Watch: []string{app + "."}, WatchTTL: 60})
		if err := s.resolver.Set(app + ". 60 IN A 10.79.1.10"); err != nil {
			t.Fatal(err)
		}
		if err := s.server.AddOverride(watch.Override{Name: "www.corp.example.", Type: dns.TypeA, Data: []string{"10.79.3.10"}, By: "key 'ops' at " + operator + "#999"}); err != nil {
			t.Fatal(err)
		}
		s.askFrom(refused, app+".", dns.TypeA)
		d := s.until("a holder and a refusal", func(d *Document) bool {
			s.askFrom(holder, app+".", dns.TypeA)
			ledger := d.name(app).Ledger
			return len(ledger) > 0 && ledger[0].Clients > 0 && len(d.Clients.Refused.Clients) > 0 && len(d.Clients.Busiest) > 0
		})
		if r := d.Clients.Refused; r.Total != 1 || r.Clients[0].Count != 1 || r.Clients[0].Last.IsZero() || d.Clients.Shown != shown {
			t.Errorf("with Clients %v the clients are %+v", shown, d.Clients)
		}
		_, text := s.document()
		for _, address := range []string{holder, refused, operator} {
			if strings.Contains(text, address) != shown {
				t.Errorf("with Clients %v the document has %s: %v\n%s", shown, address, !shown, text)
			}
		}
	}
}

// More names than are shown: those that changed come first, and the rest is counted.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{Watch: []string{"*.corp.example."}})
	const names = maxNames + 30
	for i := range names {
		s.ask(string(rune('a'+i/26))+string(rune('a'+i%26))+".corp.example.", dns.TypeA)
	}
	s.ask("www.corp.example.", dns.TypeA)
	s.set("www.corp.example.", "10.79.2.30")
	s.server.Flush()
	d := s.until("the change", func(d *Document) bool {
		s.ask("www.corp.example.", dns.TypeA)
		return len(d.Names) > 0 && d.Names[0].Name == "www.corp.example"
	})
	if len(d.Names) != maxNames || d.NamesMore != names+1-maxNames {
		t.Errorf("%d names are shown and %d are not, want %d and %d", len(d.Names), d.NamesMore, maxNames, names+1-maxNames)
	}
}

// Figures are those of the counters, and the history goes on with the document's point.
func TestFigures(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "allow-query { 127.0.0.1; };", forwarder.Options{})
	for range 20 {
		s.ask("www.corp.example.", dns.TypeA)
	}
	s.ask("x.elsewhere.example.", dns.TypeA)
	d := s.until("all replies", func(d *Document) bool { return d.Queries.Total == 21 && d.Queries.HitRatio > 0 })
	q := &d.Queries
	if q.BySource["hit"] != 19 || q.BySource["miss"] != 1 || q.ByRcode["NOERROR"] != 20 {
		t.Errorf("the queries are %+v, want 19 hits and a miss", q)
	}
	if l := d.Latency.Clients; l["hit"].Samples == 0 || l["miss"].Samples != 1 || l["miss"].P50 <= 0 {
		t.Errorf("the latencies are %+v, want those of hits and of a miss", l)
	}
	if h := d.Hot; len(h) != 2 || h[0].Name != "www.corp.example" || h[0].Type != "A" || h[0].Share < 0.9 || h[0].PerSecond <= 0 {
		t.Errorf("the hottest names are %+v", h)
	}
	if c := d.Clients; c.Distinct != 1 || len(c.Busiest) != 1 || c.Busiest[0].Client != "" || c.Busiest[0].Count == 0 || c.Busiest[0].Last.IsZero() {
		t.Errorf("the clients are %+v, want one without its address", c)
	}
	if u := d.Upstreams; len(u) != 1 || u[0].Answered == 0 || u[0].State != "up" || !slices.Contains(u[0].Zones, "corp.example") || u[0].Latency.Samples == 0 {
		t.Errorf("the upstreams are %+v, want one that answers", u)
	}
	s.until("a point with the queries", func(*Document) bool {
		var h History
		_, text := s.get("GET", "/api/v1/history", "")
		decode(t, text, &h)
		sum := 0.0
		for i, v := range h.Columns["queries"] {
			if v != nil && i > 0 {
				sum += *v * (h.Times[i] - h.Times[i-1])
			}
		}
		return sum > 20 && sum < 22 && slices.IsSorted(h.Times) && len(h.Columns["source hit"]) == len(h.Times)
	})
}
