package forwarder

import (
	"strings"
	"testing"
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
