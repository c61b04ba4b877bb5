package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Owners and mode bits decide, of the file and of each directory above it.
func TestPermissions(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	for d := dir; d != "/"; d = filepath.Dir(d) { // testing makes some for the owner alone
		if info, err := os.Stat(d); err != nil || info.Mode().Perm()&1 == 0 {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	const uid, group, other = 4100, 4200, 4300
	p := permissions{account{name: "named", uid: uid, gid: 4101, groups: []int{group}}}
	put := func(name string, owner, gid int, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, owner, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name        string
		owner, gid  int
		mode        os.FileMode
		read, write string // what is said
	}{
		{"owner", uid, other, 0o600, "", ""},
		{"owner without his bits", uid, group, 0o066, "may not read", "may not write"},
		{"group", other, group, 0o640, "", "may not write"},
		{"others", other, other, 0o644, "", "may not write"},
		{"nobody", 0, 0, 0o600, "may not read", "may not write"},
		{"closed/", 0, 0, 0o700, "", ""},
		{"closed/file", uid, uid, 0o600, "may not enter", "may not enter"},
		{"read-only/", 0, group, 0o750, "", ""},
		{"read-only/missing", -1, 0, 0, "", "may not make a file in"},
		{"open/", 0, group, 0o770, "", ""},
		{"open/missing", -1, 0, 0, "", ""},
	} {
		path := filepath.Join(dir, test.name)
		if test.owner >= 0 {
			put(test.name, test.owner, test.gid, test.mode)
		}
		if strings.HasSuffix(test.name, "/") {
			continue
		}
		for what, c := range map[string]struct {
			err  error
			want string
		}{"Read": {p.Read(path), test.read}, "Write": {p.Write(path), test.write}} {
			if said := c.err != nil; said != (c.want != "") || said && !strings.Contains(c.err.Error(), c.want) {
				t.Errorf("%s(%s) = %v, want %q", what, test.name, c.err, c.want)
			}
		}
	}
	if err := (permissions{account{name: "root"}}).Read(filepath.Join(dir, "owner")); err != nil {
		t.Errorf("Read() = %v for root", err)
	}
}
