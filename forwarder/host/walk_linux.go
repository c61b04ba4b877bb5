package host

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// walker goes along a path one name after the other, each in the open directory
// that the names before led to: what others exchange meanwhile leads nowhere else.
type walker struct {
	dir    *os.File
	shared bool     // others can put something into dir
	rest   []string // names that are left
	links  int      // that were followed

	missing func(dir *os.File, last bool) error // is told of a directory that was made; nil: none is made
	made    bool
}

// maxLinks is the kernel's own limit (path_resolution(7)).
const maxLinks = 40

// walk leads to where the last name is, or is to be.
func (w *walker) walk(path string) (*Place, error) {
	w.rest = names(path)
	if err := w.begin(path); err != nil {
		return nil, err
	}
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		if there, err := w.step(name); err != nil {
			w.dir.Close()
			return nil, err
		} else if there {
			return &Place{dir: w.dir, path: path, name: name, shared: w.shared}, nil
		}
	}
	w.dir.Close()
	return nil, unix.EISDIR
}

func names(path string) []string {
	var list []string
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			list = append(list, name)
		}
	}
	return list
}

// begin begins at "/" or here.
func (w *walker) begin(path string) error {
	start := "."
	if strings.HasPrefix(path, "/") {
		start = "/"
	}
	dir, err := openAt(unix.AT_FDCWD, start, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	return w.enter(dir)
}

// enter makes dir the directory of the names to come.
func (w *walker) enter(dir *os.File) error {
	st, err := statOf(dir)
	if err != nil {
		dir.Close()
		return err
	}
	if w.dir != nil {
		w.dir.Close()
	}
	w.dir, w.shared = dir, !trusted(st.Uid) || st.Mode&0o022 != 0
	return nil
}

// step goes on by one name, and reports whether it is the last.
func (w *walker) step(name string) (there bool, err error) {
	next, err := openAt(int(w.dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW)
	last := len(w.rest) == 0
	switch {
	case errors.Is(err, unix.ENOENT) && last:
		return true, nil
	case errors.Is(err, unix.ENOENT) && w.missing != nil:
		return false, w.makeDir(name)
	case err != nil:
		return false, fmt.Errorf("%s: %w", name, err)
	}
	st, err := statOf(next)
	switch kind := st.Mode & unix.S_IFMT; {
	case err != nil:
	case kind == unix.S_IFLNK && w.mayFollow(name, &st):
		err = w.follow(next)
	case last:
		there = true
	case kind == unix.S_IFDIR:
		return false, w.enter(next)
	case kind == unix.S_IFLNK:
		err = fmt.Errorf("%s: %w", name, errForeignLink)
	default:
		err = fmt.Errorf("%s: %w", name, unix.ENOTDIR)
	}
	next.Close()
	return there, err
}

var errForeignLink = errors.New("a link that another user could have made is not followed: name what it leads to")

// mayFollow reports whether nobody but those who are trusted can have put a link
// where it is. One with two names may have been made for another place.
func (w *walker) mayFollow(name string, st *unix.Stat_t) bool {
	return !w.shared || trusted(st.Uid) && onlyName(w.dir, name, st)
}

// looks are how often the number of something's names is asked for: a name that
// others take away between its look-up and the count would be missed. Nobody hits
// that moment so many times in a row.
const looks = 8

// onlyName reports whether a name in a directory is the only one of what was
// opened by it.
func onlyName(dir *os.File, name string, opened *unix.Stat_t) bool {
	for range looks {
		var now unix.Stat_t
		err := unix.Fstatat(int(dir.Fd()), name, &now, unix.AT_SYMLINK_NOFOLLOW)
		if err != nil || now.Dev != opened.Dev || now.Ino != opened.Ino || now.Nlink != 1 {
			return false
		}
	}
	return true
}

// trusted reports whether a user may lead us anywhere: root, who we are, and the
// owner of "/", as whom others' root appears in a user namespace.
func trusted(uid uint32) bool {
	var top unix.Stat_t
	return uid == 0 || uid == uint32(os.Geteuid()) || unix.Stat("/", &top) == nil && uid == top.Uid
}

// follow puts the names to which a link leads in front of the others.
func (w *walker) follow(link *os.File) error {
	if w.links++; w.links > maxLinks {
		return unix.ELOOP
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(link.Fd()), "", buf)
	if err != nil {
		return os.NewSyscallError("readlink", err)
	}
	target := string(buf[:n])
	w.rest = append(names(target), w.rest...)
	if strings.HasPrefix(target, "/") {
		return w.begin(target)
	}
	return nil
}

// makeDir makes a missing directory, and enters it.
func (w *walker) makeDir(name string) error {
	err := unix.Mkdirat(int(w.dir.Fd()), name, 0o755)
	if errors.Is(err, unix.EEXIST) { // another process was faster: look again
		w.rest = append([]string{name}, w.rest...)
		return nil
	}
	if err != nil {
		return fmt.Errorf("making directory %s: %w", name, err)
	}
	dir, err := openAt(int(w.dir.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("entering directory %s: %w", name, err)
	}
	if err := w.tellMade(dir); err != nil {
		dir.Close()
		return fmt.Errorf("making directory %s: %w", name, err)
	}
	w.made = true
	return w.enter(dir)
}

// tellMade tells of a directory that was made, if it is that still: what others
// can exchange must be ours and empty.
func (w *walker) tellMade(dir *os.File) error {
	st, err := statOf(dir)
	if err != nil {
		return err
	}
	if list, _ := dir.Readdirnames(1); st.Uid != uint32(os.Geteuid()) || len(list) > 0 {
		return errors.New("another user has put something else there")
	}
	return w.missing(dir, len(w.rest) == 1)
}

func openAt(dir int, name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
