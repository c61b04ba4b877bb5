package demo

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/page"
)

func startSite(t *testing.T) *site {
	t.Helper()
	s, err := newSite()
	t.Cleanup(s.close)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A forwarder that is lost says nothing, not even that its port is closed, and neither
// does its page. It comes back at the same address, and knows what it was told.
func TestLostForwarder(t *testing.T) {
	s := startSite(t)
	m := s.pair[0]
	c := &change{name: watchedName, old: watchedOld, new: watchedNew, at: time.Now()}
	if err := m.override(c); err != nil {
		t.Fatal(err)
	}
	if err := m.die(); err != nil {
		t.Fatal(err)
	}
	const room = 100 * time.Millisecond // of timers
	if l := ask(t.Context(), m.addr, watchedName); l.heard || l.took() < stubWaits-room {
		t.Errorf("asking who is lost = %+v after %v, want nothing for %v", l, l.took(), stubWaits)
	}
	if m.page.now.Load() != nil {
		t.Error("its page is there still")
	}
	if got := m.lost.queries.Load(); got == 0 { // the other one of the pair asks too
		t.Errorf("it swallowed %d queries, want some", got)
	}
	if err := m.comeBack(); err != nil {
		t.Fatal(err)
	}
	if l := ask(t.Context(), m.addr, watchedName); l.address != watchedNew {
		t.Errorf("asking it when it is back = %+v, want %s", l, watchedNew)
	}
	if m.page.now.Load() == nil {
		t.Error("its page is not back")
	}
}

// The page of one of the pair shows what becomes of the other.
func TestPagesShowThePair(t *testing.T) {
	s := startSite(t)
	a, b := s.pair[0], s.pair[1]
	a.waitForPeer(t, "agrees")
	if err := b.die(); err != nil {
		t.Fatal(err)
	}
	a.waitForPeer(t, "down")
	if err := b.comeBack(); err != nil {
		t.Fatal(err)
	}
	a.waitForPeer(t, "agrees")
}

// waitForPeer waits until the page of m says that of the other one.
func (m *member) waitForPeer(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		d := m.document(t)
		if d.Server.Name != m.label || len(d.Peers) != 1 {
			t.Fatalf("the page of %s is of %q, with the peers %+v; want one", m.label, d.Server.Name, d.Peers)
		}
		if d.Peers[0].State == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page of %s says for a minute that the other one is %q, want %q", m.label, d.Peers[0].State, want)
		}
	}
}

func (m *member) document(t *testing.T) (d page.Document) {
	t.Helper()
	reply, err := http.Get(m.page.url() + "api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if err := json.NewDecoder(reply.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Corporate DNS asks somebody, and that is counted.
func TestLoad(t *testing.T) {
	s := startSite(t)
	former := s.load()
	if l := ask(t.Context(), s.corporate.addr, watchedName); l.address != watchedOld {
		t.Fatalf("asking corporate DNS = %+v, want %s", l, watchedOld)
	}
	if got := s.load().since(former); got[got.busier()] == 0 {
		t.Errorf("load after a question = %v, want one", got)
	}
}

// Silence is for every name, the switched one too.
func TestSilentUpstream(t *testing.T) {
	s := startSite(t)
	c := &change{name: watchedName, old: watchedOld, new: watchedNew, at: time.Now()}
	if err := s.switchName(c); err != nil {
		t.Fatal(err)
	}
	s.silenceUpstream(true)
	for _, name := range []string{plainName, watchedName} {
		if l := ask(t.Context(), s.upstream, name); l.heard {
			t.Errorf("a silent upstream says %+v of %s", l, name)
		}
	}
	s.silenceUpstream(false)
	for _, name := range []string{plainName, watchedName} {
		if l := ask(t.Context(), s.upstream, name); l.address == "" {
			t.Errorf("upstream is back, and says %+v of %s", l, name)
		}
	}
}
