package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What was written last is read, by its owner alone; a section of another version is not
// taken for this one, and no file is nothing.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if got, err := ReadFile(path, "watch-1", 100); got != nil || err != nil {
		t.Errorf("ReadFile() = %q, %v without a file, want nothing", got, err)
	}
	if got, err := ReadFile(filepath.Join(path, "deeper"), "watch-1", 100); got != nil || err != nil {
		t.Errorf("ReadFile() = %q, %v without a directory, want nothing", got, err)
	}
	at := Stamp{BootID{1}, time.Second}
	for _, content := range []string{"old", "new and longer"} {
		if err := ReplaceFile(path, at, "watch-1", []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path, "watch-1", 1000)
		if string(got) != content || err != nil {
			t.Errorf("ReadFile() = %q, %v, want %q", got, err, content)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("Stat() = %v, %v, want a file for its owner", info, err)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
		t.Errorf("the directory has %v, want the file alone", names)
	}
	if _, err := ReadFile(path, "watch-2", 1000); !errors.Is(err, ErrOtherVersion) {
		t.Errorf("ReadFile() = %v of another section, want %v", err, ErrOtherVersion)
	}
	if _, err := ReadFile(path, "watch-1", 10); err == nil {
		t.Error("ReadFile() = nil of a file that is too large, want an error")
	}
	if err := os.WriteFile(path, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path, "watch-1", 1000); err == nil {
		t.Error("ReadFile() = nil of junk, want an error")
	}
}
