package dnstap

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	framestream "github.com/farsightsec/golang-framestream"
)

// What logrotate does to a file, in each of its ways, leaves a file that can be read
// with what comes after. One that another process has begun there is left alone.
func TestFileOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		rotate func(path string) error
		left   bool // the file at the path is another's
	}{
		"copytruncate": {func(path string) error { return os.Truncate(path, 0) }, false},
		"create": {func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o644))
		}, false},
		"nocreate": {func(path string) error { return os.Rename(path, path+".1") }, false},
		"another process": {func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, startOnly(), 0o644))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tap")
			tap := New(clock)
			tap.Set(Options{Types: all, Files: oneFile(path), Again: time.Second})
			defer tap.Close()
			put := func(n int) {
				tap.Put(query(n))
				until(t, tap, "all written", func(st Stats) bool { return st.Written == uint64(n) })
			}
			put(1)
			if err := test.rotate(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(lookEvery + 100*time.Millisecond)
			put(2)
			tap.Close()
			at, want := path, 1
			if test.left {
				at, want = path+".1", 2
			}
			if got := framesOf(t, at); len(got) != want || string(got[want-1].Message.QueryMessage) != "\x00\x02" {
				t.Errorf("%s has %d messages, want %d with the second", at, len(got), want)
			}
		})
	}
}

// startOnly is a file without messages.
func startOnly() []byte {
	start := framestream.ControlStart
	start.SetContentType(contentType)
	return control(start)
}
