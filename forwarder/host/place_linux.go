package host

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"
)

// Place is where a file is, or is to be: a name in a directory that is held open.
// No link leads to it that another user could have made, and none is followed
// later: root may write there although others own a directory of the path. The
// links of root, of the process's own user and of whoever owns "/" are followed.
type Place struct {
	dir    *os.File // O_PATH
	path   string   // as it was given
	name   string
	shared bool // others can put something into dir
}

// Locate finds the place of path, whose directory must exist.
func Locate(path string) (*Place, error) {
	p, _, err := locate(path, nil)
	return p, err
}

// LocateMade finds the place of path, and makes its directory if that is missing.
func LocateMade(path string) (p *Place, made bool, err error) {
	return locate(path, func(*os.File, bool) error { return nil })
}

// GiveDir makes the directory of path if that is missing, and gives it to a user.
func GiveDir(path string, uid, gid int) error {
	p, _, err := locate(path, func(dir *os.File, last bool) error {
		if !last {
			return nil
		}
		return os.NewSyscallError("fchown", unix.Fchown(int(dir.Fd()), uid, gid))
	})
	if err != nil {
		return err
	}
	return p.Close()
}

func locate(path string, missing func(dir *os.File, last bool) error) (*Place, bool, error) {
	w := walker{missing: missing}
	p, err := w.walk(path)
	if err != nil {
		return nil, false, &os.PathError{Op: "reaching", Path: path, Err: err}
	}
	return p, w.made, nil
}

// Close lets go of the directory.
func (p *Place) Close() error { return p.dir.Close() }

// Append opens the file for appending, and makes it if it is missing. It does not
// wait: a pipe is refused.
func (p *Place) Append() (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_NONBLOCK
	for range 3 { // in case that it comes and goes
		f, err := p.open(p.name, flags)
		if errors.Is(err, unix.ENOENT) {
			f, err = p.open(p.name, flags|unix.O_CREAT|unix.O_EXCL)
		}
		switch {
		case errors.Is(err, unix.EEXIST), errors.Is(err, unix.ENOENT):
			continue
		case err != nil:
			return nil, p.explain(err)
		}
		if err := p.check(f); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
	return nil, fmt.Errorf("opening %s: it comes and goes", p.path)
}

func (p *Place) open(name string, flags int) (*os.File, error) { return p.openAs(name, flags, 0o644) }

// openAs gives a file that it makes this mode.
func (p *Place) openAs(name string, flags int, mode uint32) (*os.File, error) {
	const always = unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NOCTTY
	fd, err := unix.Openat(int(p.dir.Fd()), name, flags|always, mode)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), p.path), nil
}

// check refuses to write to what is open if it is no file, or may be anybody's: a
// hard link is as good as the file that it was made from.
func (p *Place) check(f *os.File) error {
	st, err := statOf(f)
	if err != nil {
		return err
	}
	switch kind := st.Mode & unix.S_IFMT; {
	case kind != unix.S_IFREG && kind != unix.S_IFCHR:
		return fmt.Errorf("opening %s: %w", p.path, errNoFile)
	case p.shared && (kind != unix.S_IFREG || !onlyName(p.dir, p.name, &st)):
		return fmt.Errorf("opening %s: it is a hard link or a device, in a directory that others can write to: remove it", p.path)
	}
	return unix.SetNonblock(int(f.Fd()), false)
}

var errNoFile = errors.New("not a regular file")

// explain says more of why opening failed.
func (p *Place) explain(err error) error {
	switch {
	case errors.Is(err, unix.ELOOP):
		err = errForeignLink
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.EISDIR): // a pipe that nobody reads, a socket
		err = errNoFile
	}
	return fmt.Errorf("opening %s: %w", p.path, err)
}

// Read returns the first octets of the file, which must be one.
func (p *Place) Read(most int64) ([]byte, error) {
	f, err := p.open(p.name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, p.explain(err)
	}
	defer f.Close()
	if st, err := statOf(f); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("reading %s: %w", p.path, errors.Join(err, errNoFile))
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// Replace is ReplaceBy with these contents.
func (p *Place) Replace(data []byte) error {
	return p.ReplaceBy(func(w io.Writer) error { _, err := w.Write(data); return err })
}

// ReplaceBy puts a file with what write writes there at once: it is written beside
// and renamed. What was there, be it a link, is gone.
func (p *Place) ReplaceBy(write func(io.Writer) error) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(p.dir.Fd()), p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil && isDevice(&st) {
		return fmt.Errorf("replacing %s: %w", p.path, errNoFile)
	}
	return p.exchange(0o644, func(f *os.File) error { return write(f) })
}

// ReplacePrivate is Replace with a file that nobody else can read. It returns when the
// file is on the disk: after a crash of the machine it is the former one or this.
func (p *Place) ReplacePrivate(data []byte) error {
	return p.exchange(0o600, func(f *os.File) error {
		_, err := f.Write(data)
		return errors.Join(err, f.Sync())
	})
}

// exchange puts what write writes, in a file of that mode, in the place.
func (p *Place) exchange(mode uint32, write func(*os.File) error) error {
	beside := fmt.Sprintf(".%s.%08x", p.name, rand.Uint32())
	f, err := p.openAs(beside, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing beside %s: %w", p.path, err)
	}
	if err = errors.Join(write(f), f.Close()); err == nil {
		err = p.Rename(beside, p.name)
	}
	if err != nil {
		_ = p.Remove(beside)
		return fmt.Errorf("writing %s: %w", p.path, err)
	}
	return nil
}

func isDevice(st *unix.Stat_t) bool {
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFCHR || kind == unix.S_IFBLK
}

// Name is the file's name in its directory: another than path ends with if that
// is a link.
func (p *Place) Name() string { return p.name }

// Rename renames a file in the directory.
func (p *Place) Rename(from, to string) error {
	dir := int(p.dir.Fd())
	if err := unix.Renameat(dir, from, dir, to); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// Remove removes a file, or a link, from the directory.
func (p *Place) Remove(name string) error {
	return os.NewSyscallError("unlink", unix.Unlinkat(int(p.dir.Fd()), name, 0))
}

// Size returns the size of a regular file in the directory; ok is false for
// anything else.
func (p *Place) Size(name string) (n int64, ok bool) {
	var st unix.Stat_t
	err := unix.Fstatat(int(p.dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return st.Size, err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// Names lists what is in the directory.
func (p *Place) Names() ([]string, error) {
	d, err := p.open(".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("listing the directory of %s: %w", p.path, err)
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func statOf(f *os.File) (st unix.Stat_t, err error) {
	err = unix.Fstat(int(f.Fd()), &st)
	return st, os.NewSyscallError("fstat", err)
}
