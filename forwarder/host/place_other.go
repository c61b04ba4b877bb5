//go:build !linux

package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Place is where a file is, or is to be. Links are followed.
type Place struct{ dir, name string }

// Locate finds the place of path, whose directory must exist.
func Locate(path string) (*Place, error) {
	p := &Place{filepath.Dir(path), filepath.Base(path)}
	_, err := os.Stat(p.dir)
	return p, err
}

// LocateMade finds the place of path, and makes its directory if that is missing.
func LocateMade(path string) (p *Place, made bool, err error) {
	p, err = Locate(path)
	if os.IsNotExist(err) {
		err = os.MkdirAll(p.dir, 0o755)
		made = err == nil
	}
	return p, made, err
}

// GiveDir makes the directory of path if that is missing, and gives it to a user.
func GiveDir(path string, uid, gid int) error {
	p, made, err := LocateMade(path)
	if err != nil || !made {
		return err
	}
	return os.Chown(p.dir, uid, gid)
}

func (p *Place) beside(name string) string { return filepath.Join(p.dir, name) }

// Close does nothing.
func (p *Place) Close() error { return nil }

// Append opens the file for appending, and makes it if it is missing.
func (p *Place) Append() (*os.File, error) {
	path := p.beside(p.name)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeDevice == 0 {
		return nil, fmt.Errorf("opening %s: not a regular file", path) // a pipe would wait for a reader
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
}

// Read returns the first octets of the file.
func (p *Place) Read(most int64) ([]byte, error) {
	f, err := os.Open(p.beside(p.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// Replace makes a file with these contents.
func (p *Place) Replace(data []byte) error { return os.WriteFile(p.beside(p.name), data, 0o644) }

// ReplacePrivate makes a file with these contents that nobody else can read.
func (p *Place) ReplacePrivate(data []byte) error {
	f, err := os.CreateTemp(p.dir, "."+p.name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), p.beside(p.name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// ReplaceBy makes a file with what write writes.
func (p *Place) ReplaceBy(write func(io.Writer) error) error {
	f, err := os.Create(p.beside(p.name))
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// Name is the file's name in its directory.
func (p *Place) Name() string { return p.name }

// Rename renames a file in the directory.
func (p *Place) Rename(from, to string) error { return os.Rename(p.beside(from), p.beside(to)) }

// Remove removes a file from the directory.
func (p *Place) Remove(name string) error { return os.Remove(p.beside(name)) }

// Size returns the size of a regular file in the directory; ok is false for
// anything else.
func (p *Place) Size(name string) (n int64, ok bool) {
	info, err := os.Lstat(p.beside(name))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Names lists what is in the directory.
func (p *Place) Names() ([]string, error) {
	d, err := os.Open(p.dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
