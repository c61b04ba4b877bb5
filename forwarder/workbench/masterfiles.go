package workbench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// MasterFile is the text of a file, and its name: that of the zone below test., or, with
// ".inc" at its end, of a file that others include.
type MasterFile struct{ Name, Text string }

// IsInclude reports whether it is no zone's.
func (f MasterFile) IsInclude() bool { return strings.HasSuffix(f.Name, ".inc") }

// head is what a zone needs to be one.
const head = "$TTL 300\n@ IN SOA ns admin 1 3600 600 86400 60\n@ NS ns\nns A 10.1.0.1\n"

// MasterFiles reads the master files in a text file, one behind a "=== NAME" each, and
// writes them into dir, if that is not "".
func MasterFiles(t testing.TB, path, dir string) []MasterFile {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var files []MasterFile
	for _, section := range strings.Split(string(text), "\n=== ")[1:] {
		name, text, _ := strings.Cut(section+"\n", "\n")
		text = strings.ReplaceAll(text, "%head\n", head)
		files = append(files, MasterFile{name, strings.TrimSuffix(text, "%end\n")})
	}
	for _, f := range files {
		if dir == "" {
			break
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
