package forwarder

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/store"
	"vpcdns/forwarder/wire"
)

// Where there is room for some only they are those that were used.
func TestWarmRoom(t *testing.T) {
	n := newFakeNet("10.79.1.10/24").network()
	s := newUnserved(t, testConfig(), 1, n)
	for i := range 1000 {
		putAnswer(s, fmt.Sprintf("host%d.example.", i), "")
	}
	hot := make(map[string]bool)
	for i := range 100 {
		key := "\x05hot" + fmt.Sprintf("%02d", i) + "\x07example\x00\x00\x01\x00\x01\x00"
		putAnswer(s, wire.NameText([]byte(wire.KeyName(key))), "")
		s.cache.Get(s.cache.Hash([]byte(key)), []byte(key))
		hot[strings.TrimSuffix(wire.NameText([]byte(wire.KeyName(key))), ".")] = true
	}
	hotIn := func(s *Server) (found int) {
		for _, name := range cachedNames(s) {
			if hot[name] {
				found++
			}
		}
		return found
	}
	check := func(s *Server) {
		t.Helper()
		if found, all := hotIn(s), s.cache.Len(); found != len(hot) || all < 150 || all > 1000 {
			t.Errorf("%d of %d answers are of names that were used, want all %d of those, and some others", found, all, len(hot))
		}
	}

	small, _ := os.Create(filepath.Join(t.TempDir(), "small"))
	const most = 20000
	st, err := s.Snapshot(small, most)
	if info, _ := small.Stat(); err != nil || st.Left == 0 || st.Answers+st.Left != 1100 || info.Size() > most || st.Bytes != info.Size() {
		t.Errorf("Snapshot = %+v, %v with %d octets, want %d at most, and what is left counted", st, err, info.Size(), most)
	}
	first := newUnserved(t, testConfig(), 1, n)
	first.newWarmup(small).rest()
	check(first)

	cfg := testConfig()
	cfg.Cache.MaxSize = 100 << 10
	second := newUnserved(t, cfg, 1, n)
	w := second.newWarmup(left(t, s))
	w.rest()
	check(second)
	if w.fates[noRoom] == 0 || second.cache.Stats().Evictions != 0 {
		t.Errorf("fates = %v, %d evictions, want no room and none", w.fates, second.cache.Stats().Evictions)
	}
	for i := range len(hot) { // they came first, and are not the first to go
		putAnswer(second, fmt.Sprintf("new%d.example.", i), "")
	}
	if found := hotIn(second); found < len(hot)/2 {
		t.Errorf("%d of %d names that were used have stayed, want most", found, len(hot))
	}
}

// Who waits for upstream gets what the former process knew, as soon as it is here.
func TestWarmWaiting(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		r.net.ask(testClient, testServer, false, queryFor(7, "hold.example.", dns.TypeA))
		synctest.Wait()
		former := newUnserved(t, testConfig(), 1, newFakeNet("10.79.1.10/24").network())
		putAnswer(former, "hold.example.", "")
		r.s.newWarmup(left(t, former)).rest()
		got := r.net.got()
		if len(got) != 1 || got[0].msg[1] != 7 || len(unpacked(t, got[0].msg).Answer) != 1 {
			t.Fatalf("got %v, want the answer", got)
		}
		q := r.net.take(netip.Addr{})
		q.answer(answerTo(q.msg, 60, "10.0.0.77"))
		synctest.Wait()
		r.net.ask(testClient, testServer, false, queryFor(8, "hold.example.", dns.TypeA))
		synctest.Wait()
		got = r.net.got()
		if len(got) != 1 || unpacked(t, got[0].msg).Answer[0].(*dns.A).A.String() != "10.0.0.77" {
			t.Errorf("got %v, want what upstream said after that", got)
		}
	})
}

// FuzzWarm takes any octets for answers. What is taken can be asked for, handed on
// and taken again.
func FuzzWarm(f *testing.F) {
	n := newFakeNet("10.79.1.10/24").network()
	former := newUnserved(f, testConfig(), 1, n)
	fill(f, former)
	putDenial(former, "none.example.")
	var file bytes.Buffer
	if _, err := former.Snapshot(&file, MaxSnapshot); err != nil {
		f.Fatal(err)
	}
	opened, err := store.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		f.Fatal(err)
	}
	answers, _ := io.ReadAll(opened.Section(answersSection))
	f.Add(answers)
	s := newUnserved(f, testConfig(), 1, n)
	a := s.newAsker()
	f.Fuzz(func(t *testing.T, answers []byte) {
		s.Flush()
		w := &warmup{Server: s, replies: s.newResolver(), sources: sourcesOf(s.state.Load(), s.cookieSecret), from: bufio.NewReader(bytes.NewReader(answers)), size: int64(len(answers))}
		w.flushed, _ = s.flushes.none()
		for w.batch(true) {
		}
		if w.fates[unsound]+w.fates[kept] > len(answers)/recordHeader {
			t.Fatalf("fates = %v of %d octets", w.fates, len(answers))
		}
		for e := range s.cache.All() {
			key := wire.Key(e.Key())
			a.ask(append(wire.AppendHeader(nil, 1, wire.RD, 1, 0, 0, 0), key[:len(key)-1]...), testAsker(true))
		}
		var again bytes.Buffer
		if st, err := s.Snapshot(&again, MaxSnapshot); err != nil || st.Answers != s.cache.Len() {
			t.Fatalf("Snapshot = %+v, %v of %d answers", st, err, s.cache.Len())
		}
	})
}
