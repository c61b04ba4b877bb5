package store

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keeper is what a State keeps in a test.
type keeper struct {
	text    string
	version uint64
	log     bytes.Buffer
}

func (k *keeper) state(path string) *State {
	return NewState(StateConfig{
		Path: path, Section: "text-1", Most: 1 << 10, What: "texts",
		Load:    func(state []byte) error { k.text = string(state); return nil },
		Append:  func(dst []byte) ([]byte, error) { return append(dst, k.text...), nil },
		Version: func() uint64 { return k.version },
		Stamp:   func() Stamp { return Stamp{Boot: BootID{1}, Time: 1} },
		Log:     slog.New(slog.NewTextHandler(&k.log, nil)),
	})
}

func (k *keeper) change(text string) { k.text, k.version = text, k.version+1 }

// read is what another process finds in the file.
func read(t *testing.T, path string) string {
	t.Helper()
	var k keeper
	k.state(path).Load()
	if k.log.Len() > 0 {
		t.Errorf("reading %s logs %q, want nothing", path, &k.log)
	}
	return k.text
}

// What is left to another process is that one's to change, unless it does not start.
func TestStateLeave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var k keeper
	s := k.state(path)
	s.Load()
	k.change("one")
	if err := s.SaveChange(); err != nil || read(t, path) != "one" {
		t.Fatalf("SaveChange = %v, and the file has %q, want one", err, read(t, path))
	}
	k.change("two")
	goOn := s.Leave()
	if got := read(t, path); got != "two" {
		t.Errorf("the file has %q as it is left, want two", got)
	}
	k.change("three")
	if err := s.SaveChange(); !errors.Is(err, ErrTakenOver) || read(t, path) != "two" {
		t.Errorf("SaveChange = %v, and the file has %q, want ErrTakenOver and two", err, read(t, path))
	}
	goOn()
	if err := s.SaveChange(); err != nil || read(t, path) != "three" {
		t.Errorf("SaveChange = %v, and the file has %q, want three", err, read(t, path))
	}
}

// A fault is logged once, as is its end.
func TestStateFault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	path := filepath.Join(dir, "state")
	var k keeper
	s := k.state(path)
	for range 3 {
		k.change("one")
		s.Save()
	}
	if n := strings.Count(k.log.String(), "texts would not outlive this process"); n != 1 || s.Fault() == "" {
		t.Errorf("the fault %q is logged %d times, want once:\n%s", s.Fault(), n, &k.log)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Save()
	if n := strings.Count(k.log.String(), "texts are written to "+path+" again"); n != 1 || s.Fault() != "" {
		t.Errorf("the fault is %q, its end is logged %d times, want once:\n%s", s.Fault(), n, &k.log)
	}
}

// A file that cannot be read is set aside.
func TestStateBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := keeper{text: "as it was"}
	k.state(path).Load()
	if _, err := os.Stat(path + ".broken"); err != nil || !strings.Contains(k.log.String(), "starting without texts of before") || k.text != "as it was" {
		t.Errorf("set aside: %v; text %q; log:\n%s", err, k.text, &k.log)
	}
}

// A file that could not be read, or only in part, is not replaced before it is kept, nor
// is one that was kept before lost by the attempt.
func TestStateKept(t *testing.T) {
	for name, fault := range map[string]error{"broken": errors.New("no text"), "broken in part": ErrInPart} {
		dir := t.TempDir()
		path := filepath.Join(dir, "state")
		aside := path + ".broken"
		var k keeper
		k.change("old")
		k.state(path).Save()
		must(t, os.MkdirAll(filepath.Join(aside, "earlier"), 0o700)) // neither rename nor copy replaces that
		s := k.state(path)
		s.cfg.Load = func([]byte) error { return fault }
		s.Load()
		k.change("new")
		s.Save()
		if got := read(t, path); got != "old" || !strings.Contains(s.Fault(), "keeping what could not be read") {
			t.Errorf("%s: the file has %q while it cannot be kept, want old; the fault is %q", name, got, s.Fault())
		}
		if _, err := os.Stat(filepath.Join(aside, "earlier")); err != nil {
			t.Errorf("%s: what was kept earlier: %v", name, err)
		}
		must(t, os.RemoveAll(aside))
		must(t, os.WriteFile(aside, []byte("earlier"), 0o600))
		s.Save()
		if kept, got := read(t, aside), read(t, path); kept != "old" || got != "new" || s.Fault() != "" {
			t.Errorf("%s: kept is %q, the file has %q, want old and new; the fault is %q", name, kept, got, s.Fault())
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
			t.Errorf("%s: %v, %v, want two files", name, list, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
