package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vpcdns/forwarder/workbench"
)

// stranger is a user that is neither root nor anybody here.
const stranger = 54321

// yard is a directory of root with what others own in it:
//
//	secret/file   root's, which must not change
//	theirs/       a stranger's directory
//	tmp/          everybody's
type yard struct {
	t   *testing.T
	dir string
}

const secret = "secret\n"

func newYard(t *testing.T) yard {
	t.Helper()
	workbench.NeedRoot(t)
	y := yard{t, t.TempDir()}
	for _, dir := range []string{"secret", "theirs", "tmp"} {
		y.must(os.Mkdir(y.path(dir), 0o755))
	}
	y.must(os.WriteFile(y.path("secret/file"), []byte(secret), 0o600))
	y.must(os.Chown(y.path("theirs"), stranger, stranger))
	y.must(os.Chmod(y.path("tmp"), 0o777|os.ModeSticky))
	return y
}

func (y yard) path(name string) string { return filepath.Join(y.dir, name) }

func (y yard) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// link makes a link, as a user.
func (y yard) link(target, name string, uid int) {
	y.t.Helper()
	y.must(os.Symlink(target, y.path(name)))
	y.must(os.Lchown(y.path(name), uid, uid))
}

// checkSecret checks that root's file is as it was.
func (y yard) checkSecret() {
	y.t.Helper()
	text, err := os.ReadFile(y.path("secret/file"))
	y.must(err)
	for _, name := range []string{"secret", "secret/file"} {
		info, err := os.Stat(y.path(name))
		y.must(err)
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
			y.t.Errorf("%s belongs to user %d now, want root", name, uid)
		}
	}
	list, err := os.ReadDir(y.path("secret"))
	y.must(err)
	if string(text) != secret || len(list) != 1 {
		y.t.Errorf("root's directory has %v, and the file in it %q: want it as it was", list, text)
	}
}

// appendTo appends a line, and leaves nothing open.
func appendTo(path string) error {
	p, _, err := LocateMade(path)
	if err != nil {
		return err
	}
	defer p.Close()
	f, err := p.Append()
	if err != nil {
		return err
	}
	_, err = f.WriteString("line\n")
	return errors.Join(err, f.Close())
}

func replaceAt(path string) error {
	p, _, err := LocateMade(path)
	if err != nil {
		return err
	}
	return errors.Join(p.Replace([]byte("new\n")), p.Close())
}

// TestPlacesOfOthers: root writes where others can put links, and whatever they put
// there nothing of root's changes.
func TestPlacesOfOthers(t *testing.T) {
	tests := []struct {
		name    string
		make    func(y yard)
		path    string
		append  string // what the error says; "" is none
		replace string
	}{
		{name: "nothing there", path: "theirs/log"},
		{name: "their file", make: func(y yard) {
			y.must(os.WriteFile(y.path("theirs/log"), []byte("old\n"), 0o644))
			y.must(os.Chown(y.path("theirs/log"), stranger, stranger))
		}, path: "theirs/log"},
		{name: "link", make: func(y yard) { y.link("../secret/file", "theirs/log", stranger) },
			path: "theirs/log", append: "not followed"},
		{name: "link to nothing", make: func(y yard) { y.link("../secret/new", "theirs/log", stranger) },
			path: "theirs/log", append: "not followed"},
		{name: "absolute link", make: func(y yard) { y.link(y.path("secret/file"), "theirs/log", stranger) },
			path: "theirs/log", append: "not followed"},
		{name: "link in a directory of all", make: func(y yard) { y.link(y.path("secret/file"), "tmp/log", stranger) },
			path: "tmp/log", append: "not followed"},
		{name: "directory that is a link", make: func(y yard) { y.link("../secret", "theirs/logs", stranger) },
			path: "theirs/logs/file", append: "not followed", replace: "not followed"},
		{name: "missing directory below a link", make: func(y yard) { y.link("../secret", "theirs/logs", stranger) },
			path: "theirs/logs/new/file", append: "not followed", replace: "not followed"},
		{name: "hard link", make: func(y yard) { y.must(os.Link(y.path("secret/file"), y.path("theirs/log"))) },
			path: "theirs/log", append: "hard link"},
		{name: "hard link in a directory of all", make: func(y yard) { y.must(os.Link(y.path("secret/file"), y.path("tmp/log"))) },
			path: "tmp/log", append: "hard link"},
		{name: "hard link of root's link", make: func(y yard) {
			y.link("secret", "pointer", 0)
			y.must(os.Link(y.path("pointer"), y.path("theirs/logs")))
		}, path: "theirs/logs/file", append: "not followed", replace: "not followed"},
		{name: "pipe", make: func(y yard) { y.must(unix.Mkfifo(y.path("theirs/log"), 0o666)) },
			path: "theirs/log", append: "not a regular file"},
		{name: "pipe with a reader", make: func(y yard) {
			y.must(unix.Mkfifo(y.path("theirs/log"), 0o666))
			r, err := os.OpenFile(y.path("theirs/log"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
			y.must(err)
			y.t.Cleanup(func() { r.Close() })
		}, path: "theirs/log", append: "not a regular file"},
		{name: "directory", make: func(y yard) { y.must(os.Mkdir(y.path("theirs/log"), 0o755)) },
			path: "theirs/log", append: "not a regular file", replace: "is a directory"},
		{name: "device", make: func(y yard) { y.must(unix.Mknod(y.path("theirs/log"), unix.S_IFCHR|0o666, 1<<8|3)) },
			path: "theirs/log", append: "device", replace: "not a regular file"},

		{name: "missing directories", path: "theirs/a/b/log"},
		{name: "root's link", make: func(y yard) { y.link("theirs/log", "log", 0) }, path: "log"},
		{name: "root's link to a directory", make: func(y yard) { y.link("theirs", "logs", 0) }, path: "logs/log"},
		{name: "root's link in a directory of all", make: func(y yard) { y.link("../theirs/log", "tmp/log", 0) }, path: "tmp/log"},
		{name: "root's link to their link", make: func(y yard) {
			y.link("theirs/log", "log", 0)
			y.link("../secret/file", "theirs/log", stranger)
		}, path: "log", append: "not followed"},
		{name: "endless links", make: func(y yard) { y.link("b", "a", 0); y.link("a", "b", 0) },
			path: "a/log", append: "too many levels", replace: "too many levels"},
		{name: "a file on the way", path: "secret/file/log", append: "not a directory", replace: "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for verb, do := range map[string]func(string) error{"append": appendTo, "replace": replaceAt} {
				y := newYard(t)
				if test.make != nil {
					test.make(y)
				}
				want := map[string]string{"append": test.append, "replace": test.replace}[verb]
				err := do(y.path(test.path))
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s(%s) = %v, want %q", verb, test.path, err, want)
				}
				y.checkSecret()
			}
		})
	}
}

// What is read is a file, no pipe that waits, and nobody else's choice.
func TestPlaceRead(t *testing.T) {
	y := newYard(t)
	y.link("../secret/file", "theirs/link", stranger)
	y.must(unix.Mkfifo(y.path("theirs/pipe"), 0o666))
	y.must(os.WriteFile(y.path("theirs/pid"), []byte("12345"), 0o644))
	for name, want := range map[string]string{"theirs/link": "", "theirs/pipe": "", "theirs/none": "", "theirs/pid": "1234"} {
		p, err := Locate(y.path(name))
		y.must(err)
		got, err := p.Read(4)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("Read(%s) = %q, %v, want %q", name, got, err, want)
		}
		p.Close()
	}
}

// What is written beside leaves no trace, and is readable for all.
func TestPlaceReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "pid")
	for range 2 {
		if err := replaceAt(path); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 1 {
		t.Fatalf("ReadDir = %v, %v, want the file alone", list, err)
	}
	info, err := list[0].Info()
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode = %v, %v, want 644", info.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replaceAt(filepath.Join(dir, "dir")); err == nil {
		t.Error("a directory was replaced")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if err := replaceAt("/dev/null"); err == nil {
		t.Error("/dev/null was replaced")
	}
}

// What is private is readable for its owner only, also where it was not before.
func TestPlaceReplacePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, want := range []string{"one", "two, and longer", ""} {
		p, err := Locate(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.ReplacePrivate([]byte(want)), p.Close()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode = %v, %v, want 600", info.Mode(), err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("the file has %q, %v, want %q", got, err, want)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 1 {
		t.Errorf("ReadDir = %v, %v, want the file alone", list, err)
	}
}

// A directory that is made is given away, those above it are not.
func TestGiveDir(t *testing.T) {
	y := newYard(t)
	y.must(GiveDir(y.path("a/b/log"), stranger, stranger))
	y.must(GiveDir(y.path("theirs/c/log"), stranger, stranger))
	y.must(GiveDir(y.path("secret/log"), stranger, stranger)) // is there
	for name, want := range map[string]uint32{"a": 0, "a/b": stranger, "theirs/c": stranger} {
		info, err := os.Stat(y.path(name))
		y.must(err)
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to user %d, want %d", name, got, want)
		}
	}
	y.link("../secret", "theirs/d", stranger)
	if err := GiveDir(y.path("theirs/d/e/log"), stranger, stranger); err == nil {
		t.Error("GiveDir follows a link")
	}
	y.checkSecret()
}

// Others exchange all the time what root writes to.
func TestPlacesAreRaced(t *testing.T) {
	y := newYard(t)
	stop := make(chan struct{})
	var attackers sync.WaitGroup
	attack := func(steps ...func()) {
		attackers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					steps[i%len(steps)]()
				}
			}
		})
	}
	y.link("secret", "pointer", 0)
	log, sub := y.path("theirs/log"), y.path("theirs/sub")
	lead := func(from, to, beside string) { // a link is a stranger's before it is there
		os.Symlink(to, beside)
		os.Lchown(beside, stranger, stranger)
		os.RemoveAll(from)
		os.Rename(beside, from)
	}
	attack(
		func() { lead(log, y.path("secret/file"), y.path("theirs/1")) },
		func() { os.Remove(log); os.Link(y.path("secret/file"), log) },
		func() { os.Remove(log); unix.Mkfifo(log, 0o666) },
		func() { os.Remove(log) },
	)
	attack(
		func() { lead(sub, y.path("secret"), y.path("theirs/2")) },
		func() { os.RemoveAll(sub); os.Mkdir(sub, 0o755); os.Chown(sub, stranger, stranger) },
		func() { os.RemoveAll(sub); os.Link(y.path("pointer"), sub) },
		func() { os.RemoveAll(sub) },
	)
	for range 500 {
		_ = appendTo(log)
		_ = replaceAt(log)
		_ = appendTo(filepath.Join(sub, "new"))
		_ = replaceAt(filepath.Join(sub, "file"))
		_ = GiveDir(filepath.Join(sub, "new"), stranger, stranger)
	}
	close(stop)
	attackers.Wait()
	y.checkSecret()
}
