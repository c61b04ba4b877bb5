package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vpcdns/forwarder/host"
)

// ErrOtherVersion says that a file lacks the section that this version of the program
// knows.
var ErrOtherVersion = errors.New("it is of a version that this program does not know")

// ReadFile returns what a file has in a section, nil where there is no file. One above
// most octets is refused.
func ReadFile(path, section string, most int64) ([]byte, error) {
	place, err := host.Locate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer place.Close()
	whole, err := place.Read(most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := Open(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return nil, err
	}
	content := file.Section(section)
	if content == nil {
		return nil, ErrOtherVersion
	}
	return io.ReadAll(content)
}

// ReplaceFile writes a file with one section, which nobody but its owner may read, in the
// place of what was there: a crash of the process or the machine leaves the old one or the
// new one.
func ReplaceFile(path string, at Stamp, section string, content []byte) error {
	var whole bytes.Buffer
	w := NewWriter(&whole, at)
	w.Section(section)
	w.Write(content) // an error is Close's too
	if err := w.Close(); err != nil {
		return err
	}
	place, err := host.Locate(path)
	if err != nil {
		return err
	}
	defer place.Close()
	if err := place.ReplacePrivate(whole.Bytes()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes what was renamed in a directory stay so.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("making what was renamed last: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
