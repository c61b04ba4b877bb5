package logging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// Root's log files lie in a directory of another user, who makes links there: they
// lead to nothing of root's.
func TestLogsInDirectoryOfAnother(t *testing.T) {
	workbench.NeedRoot(t)
	const stranger = 54321
	for _, name := range []string{"log", "log.0", "log.1"} {
		t.Run(name, func(t *testing.T) {
			w, dir, secret := newWorld(t), filepath.Join(t.TempDir(), "theirs"), filepath.Join(t.TempDir(), "secret")
			must(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
			must(t, os.Mkdir(dir, 0o755))
			must(t, os.Symlink(secret, filepath.Join(dir, name)))
			must(t, os.Lchown(filepath.Join(dir, name), stranger, stranger))
			must(t, os.Chown(dir, stranger, stranger))
			l := w.open(Config{
				Channels:   []Channel{{Name: "f", Kind: File, Path: filepath.Join(dir, "log"), Versions: 3, Size: 1}},
				Categories: map[string][]string{"default": {"f"}},
			})
			for _, line := range []string{"a", "b", "c", "d"} {
				l.Logger("general").Info(line)
				flush(l)
			}
			if got := read(t, secret); got != "secret\n" {
				t.Errorf("root's file = %q, want it as it was", got)
			}
			refused := strings.Contains(w.printed(), "is not followed: name what it leads to")
			if refused != (name == "log") {
				t.Errorf("stderr = %q, want the link refused: %v", w.printed(), name == "log")
			}
			if text := readIfAny(filepath.Join(dir, "log")); (text == "d\n") == refused {
				t.Errorf("log = %q, want the last line: %v", text, !refused)
			}
		})
	}
}
