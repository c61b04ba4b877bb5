package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

// A peer that gives very much takes no name out of the failover view.
func TestLargePeers(t *testing.T) {
	t.Parallel()
	fill := func(d *Document) {
		large := PeerName{Name: app, Type: "TXT", Theirs: []string{strings.Repeat("<", 20_000)}}
		for range 8 {
			p := Peer{Address: "10.79.2.10#53"}
			for range 50 {
				p.Given, p.Disagreeing = append(p.Given, large), append(p.Disagreeing, large)
			}
			d.Peers = append(d.Peers, p)
		}
	}
	s := newSite(t, Options{Fill: fill}, "", forwarder.Options{Watch: []string{app + "."}})
	text := s.page.status().json
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	p := d.Peers[7]
	if len(text) > maxDocument || len(d.Names) != 1 || len(p.Given)+p.GivenMore != 50 || len(p.Disagreeing)+p.DisagreeingMore != 50 {
		t.Errorf("%d octets, %d names, of a peer %d and %d more are given", len(text), len(d.Names), len(p.Given), p.GivenMore)
	}
}

// Names that clients make up under a pattern push none out that is watched by itself.
func TestMadeUpNames(t *testing.T) {
	t.Parallel()
	const own = "zz.corp.example"
	s := newSite(t, Options{}, "", forwarder.Options{Watch: []string{"*.corp.example.", own + "."}})
	for i := range maxNames + 5 {
		s.ask(fmt.Sprintf("n%d.corp.example.", i), dns.TypeA)
	}
	d, _ := s.document()
	if d.Names[0].Name != own || len(d.Names) != maxNames || d.NamesMore != 6 {
		t.Errorf("%d names are shown, the first %s, and %d are not", len(d.Names), d.Names[0].Name, d.NamesMore)
	}
}

// Of names that are forgotten while the page is made others are shown.
func TestForgottenNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{Watch: []string{"*.corp.example."}})
	for i := range maxNames {
		s.ask(fmt.Sprintf("n%d.corp.example.", i), dns.TypeA)
	}
	ranks := s.page.ranks()
	for i := range ranks[:maxNames/2] {
		ranks[i].name = "gone.example"
	}
	if list, more := s.page.named(ranks); len(list) != maxNames/2 || more != 0 {
		t.Errorf("%d are shown, and %d are not", len(list), more)
	}
	ranks = append(ranks, s.page.ranks()...)
	if list, more := s.page.named(ranks); len(list) != maxNames || more != maxNames/2 {
		t.Errorf("%d are shown, and %d are not", len(list), more)
	}
}

// What the document leaves out of data is left out there alone: the forwarder's own stays
// whole, for its file and for members.
func TestLongDataStaysWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxDatum+50)
	s := newSite(t, Options{}, "", forwarder.Options{})
	if err := s.server.AddOverride(watch.Override{Name: app + ".", Type: dns.TypeTXT, Data: []string{long}, By: "ops"}); err != nil {
		t.Fatal(err)
	}
	if d, text := s.document(); len(d.Overrides) != 1 || strings.Contains(text, long) {
		t.Errorf("the document is %s, want the override cut", text)
	}
	if got := s.server.Overrides()[0].Data[0]; !strings.Contains(got, long) {
		t.Errorf("the override gives %q now", got)
	}
	changes, err := s.server.History(app)
	if err != nil || len(changes) != 1 || !strings.Contains(changes[0].New[0], long) {
		t.Errorf("the history is %+v, %v, want the data whole", changes, err)
	}
	page, err := s.server.ExportWatches(watch.ExportFrom{}, watch.MinExport)
	if err != nil || !strings.Contains(string(page), long) {
		t.Errorf("the export is %s, %v, want the data whole", page, err)
	}
}

// writes keeps what is written, and not a copy of it.
type writes struct {
	*httptest.ResponseRecorder
	of [][]byte
}

func (w *writes) Write(b []byte) (int, error) {
	w.of = append(w.of, b)
	return len(b), nil
}

func (*writes) SetReadDeadline(time.Time) error  { return nil }
func (*writes) SetWriteDeadline(time.Time) error { return nil }

// Viewers share what they are sent, however many read slowly.
func TestViewersShare(t *testing.T) {
	p := &Page{hub: hub{of: make(map[*viewer]bool)}, hold: func(*http.Request) func() { return func() {} }, sampler: newSampler(nil)}
	p.now, p.made = newMessage("status", []byte("{}")), time.Now().Add(time.Hour)
	ctx, leave := context.WithCancel(t.Context())
	leave() // each looks once
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/events", nil)
	var first, second writes
	for _, w := range []*writes{&first, &second} {
		w.ResponseRecorder = httptest.NewRecorder()
		p.serveEvents(w, r)
	}
	if len(first.of) != 3 || len(second.of) != 3 {
		t.Fatalf("the viewers are sent %q and %q", first.of, second.of)
	}
	for i := range first.of {
		if &first.of[i][0] != &second.of[i][0] {
			t.Errorf("each viewer has its own copy of %.40q", first.of[i])
		}
	}
}
