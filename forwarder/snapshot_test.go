package forwarder

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// left returns a file with a snapshot of s.
func left(t *testing.T, s *Server) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	if st, err := s.Snapshot(f, MaxSnapshot); err != nil || st.Left != 0 {
		t.Fatalf("Snapshot = %+v, %v, want all", st, err)
	}
	return f
}

// putAnswer caches an A record of a name, or a chain to target, for an hour, as the
// first server of its zone answers.
func putAnswer(s *Server, name, target string) {
	msg := replyTo(queryFor(1, name, dns.TypeA), func(_, m *dns.Msg) {
		if target != "" {
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(name, dns.TypeCNAME, 3600), Target: target})
			name = target
		}
		m.Answer = append(m.Answer, address(name, 3600, "10.0.0.9"))
	})
	var m wire.Message
	m.Parse(msg)
	key := m.AppendKey(nil, 0)
	r := s.newResolver()
	st := s.state.Load()
	z := st.routes.find(key.Name(), dns.TypeA)
	r.keeper.fill(&m, origin{st.serverNumbers[z.servers[0]], z.id}, wire.TTLPolicy{Max: 1 << 30}, false)
	r.keeper.put(s.cache, s.cache.Hash(key), key, cache.Times{Stored: s.clock.now(), TTL: 3600})
}

// putDenial caches that a name does not exist.
func putDenial(s *Server, name string) {
	var m wire.Message
	m.Parse(replyTo(queryFor(1, name, dns.TypeA), func(_, m *dns.Msg) { m.Rcode = dns.RcodeNameError }))
	key := forAllTypes(nil, m.AppendKey(nil, 0))
	r := s.newResolver()
	r.keeper.fill(&m, origin{1, 1}, wire.TTLPolicy{Max: 1 << 30}, false)
	r.keeper.put(s.cache, s.cache.Hash(key), key, cache.Times{Stored: s.clock.now(), TTL: 3600})
}

// The format is the one that its sections' names stand for: who changes it changes
// those, so that an older program does not misread it, nor this one an older's.
func TestSnapshotGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUnserved(t, testConfig(), 1, newFakeNet("10.79.1.10/24").network())
		s.cookieSecret = [16]byte{0xc0, 0x0c, 0x1e}
		putDenial(s, "none.example.")
		time.Sleep(3 * time.Second)
		text, err := os.ReadFile(left(t, s).Name())
		if err != nil {
			t.Fatal(err)
		}
		got := hex.Dump(text)
		const path = "testdata/snapshot.hex"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("a snapshot is\n%swant\n%s", got, want)
		}
	})
}
