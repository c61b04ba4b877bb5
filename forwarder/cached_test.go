package forwarder

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
)

func TestOnLabel(t *testing.T) {
	name := "\x03www\x07example\x00"
	for off, want := range map[int]bool{0: true, 1: false, 3: false, 4: true, 5: false, 11: false, 12: true} {
		if got := onLabel(name, off); got != want {
			t.Errorf("onLabel(%q, %d) = %v, want %v", name, off, got, want)
		}
	}
}

func TestFlushRefusesNonsense(t *testing.T) {
	s := unserved(t)
	for _, name := range []string{strings.Repeat("a", 64) + ".example", "a..b"} {
		if n, err := s.FlushName(name); err == nil {
			t.Errorf("FlushName(%q) = %d, nil, want an error", name, n)
		}
		if n, err := s.FlushTree(name); err == nil {
			t.Errorf("FlushTree(%q) = %d, nil, want an error", name, n)
		}
	}
	if n := s.cache.Len(); n != 1 {
		t.Errorf("%d entries are left, want 1", n)
	}
}

// What a label contains is not taken for labels.
func TestFlushNamesWithDots(t *testing.T) {
	s := unserved(t)
	for name, want := range map[string]int{`www\.example.`: 0, `\007example.`: 0, `WWW.EXAMPLE`: 1} {
		if n, err := s.FlushTree(name); n != want || err != nil {
			t.Errorf("FlushTree(%q) = %d, %v, want %d", name, n, err, want)
		}
	}
}

func TestCached(t *testing.T) {
	s := unserved(t) // with www.example. A
	list := slices.Collect(s.Cached())
	if len(list) != 1 {
		t.Fatalf("Cached() yields %d answers, want 1", len(list))
	}
	got := list[0]
	if got.Name != "www.example." || got.Type != dns.TypeA || got.Rcode != dns.RcodeSuccess || got.TTL <= 3590*time.Second || got.TTL > 3600*time.Second || got.Stored < 0 {
		t.Errorf("Cached() = %+v, want www.example. A for an hour", got)
	}
	if left, other := s.CachedFor("WWW.example", dns.TypeA), s.CachedFor("www.example.", dns.TypeMX); left <= 3590*time.Second || left > 3600*time.Second || other != 0 {
		t.Errorf("CachedFor(www.example) = %v for A, %v for MX, want an hour, 0", left, other)
	}
	s.Flush()
	if n := len(slices.Collect(s.Cached())); n != 0 {
		t.Errorf("Cached() after Flush yields %d answers, want none", n)
	}
}

// However a name is written and compressed in an answer, a flush of it, or of one above
// it, finds the answer.
func TestFlushFindsNames(t *testing.T) {
	tests := []struct {
		name string
		tree bool
		want int
	}{
		{"www.example.", false, 1}, {"web.sub.example.", false, 1}, {"WEB.sub.EXAMPLE.", false, 1}, {"last.other.", false, 1},
		{"sub.example.", false, 0}, {"sub.example.", true, 1}, {"example.", true, 1}, {"other.", true, 1}, {".", true, 1},
		{"ub.example.", true, 0}, {"test.", true, 0}, {"we.sub.example.", false, 0},
	}
	for _, tt := range tests {
		s := unserved(t)
		s.Flush()
		s.learnMore(t, "www.example.", "www.example. 60 IN CNAME Web.Sub.example.", "Web.Sub.example. 60 IN CNAME last.OTHER.", "last.OTHER. 60 IN A 10.0.0.1")
		s.cache.DeleteFunc(func(e cache.Entry) bool { return e.Key() != string(wwwKey) }) // what was learnt beside
		flush := s.FlushName
		if tt.tree {
			flush = s.FlushTree
		}
		if n, err := flush(tt.name); n != tt.want || err != nil {
			t.Errorf("flush of %s, tree %v = %d, %v, want %d", tt.name, tt.tree, n, err, tt.want)
		}
	}
}
