package forwarder

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows are the packages of the module, and which of the others each may
// import: leaves none, and only forwarder joins leaves.
var arrows = map[string][]string{
	"acl":                       {},
	"cache":                     {},
	"forwarder/host":            {},
	"forwarder/local":           {"forwarder/wire"},
	"forwarder/namedconf":       {},
	"forwarder/logging":         {},
	"forwarder/udp":             {},
	"forwarder/tcp":             {},
	"forwarder/rrl":             {"acl"},
	"forwarder/scrub":           {"forwarder/wire"},
	"forwarder/wire":            {},
	"forwarder/workbench":       {},
	"forwarder/rndc":            {},
	"forwarder/upstream":        {"forwarder/wire"},
	"forwarder/config":          {"acl", "forwarder/host", "forwarder/local", "forwarder/logging", "forwarder/namedconf"},
	"forwarder":                 {"acl", "cache", "forwarder/config", "forwarder/host", "forwarder/local", "forwarder/logging", "forwarder/rrl", "forwarder/scrub", "forwarder/tcp", "forwarder/udp", "forwarder/upstream", "forwarder/wire"},
	"forwarder/metrics":         {"forwarder", "forwarder/upstream"}, // the latter for the types of its Stats
	"cmd/forwarder":             {"forwarder", "forwarder/config", "forwarder/host", "forwarder/metrics", "forwarder/rndc", "forwarder/logging", "forwarder/namedconf", "cmd/forwarder/vpcresolver", "testdata"},
	"cmd/forwarder/vpcresolver": {},
	"cmd/forwarder/lab":         {"cmd/forwarder/vpcresolver", "forwarder/workbench", "testdata"},
	"cmd/forwarder/faults":      {},
	"cmd/failover":              {"forwarder/rndc"},
	"cmd/bench":                 {"forwarder/udp"},
	"testdata":                  {},
}

// owners are packages that only some of ours may know.
var owners = map[string][]string{
	"unsafe":                 {"forwarder/udp", "forwarder/host", "cache"}, // system calls that x/sys lacks; an entry in one pointer
	"github.com/prometheus":  {"forwarder/metrics"},
	"github.com/spf13/pflag": {"cmd/forwarder"},
}

func TestImports(t *testing.T) {
	imports := moduleImports(t)
	for pkg, list := range imports {
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("package %s is not in the table of arrows", pkg)
		}
		for _, path := range list {
			if ours, ok := strings.CutPrefix(path, "vpcdns/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, want none but %v", pkg, ours, allowed)
			}
			for prefix, owner := range owners {
				if strings.HasPrefix(path, prefix) && !slices.Contains(owner, pkg) {
					t.Errorf("%s imports %s, which belongs to %v", pkg, path, owner)
				}
			}
		}
	}
	if len(imports["forwarder"]) == 0 || len(imports["acl"]) == 0 {
		t.Errorf("found the imports of %d packages, want those of forwarder and acl among them", len(imports))
	}
}

// moduleImports returns what each package imports, outside its tests.
func moduleImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "..":
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			imports[dir] = append(imports[dir], name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}
