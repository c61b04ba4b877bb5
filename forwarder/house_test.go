package forwarder

import (
	goflag "flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// arrows are the packages of the module, and which of the others each may
// import: leaves none.
var arrows = map[string][]string{
	"acl":                       {},
	"cache":                     {},
	"forwarder/dnstap":          {},
	"forwarder/host":            {},
	"forwarder/hot":             {},
	"forwarder/latency":         {},
	"forwarder/namedconf":       {},
	"forwarder/recent":          {},
	"forwarder/rndc":            {},
	"forwarder/tail":            {},
	"forwarder/tcp":             {},
	"forwarder/trouble":         {},
	"forwarder/udp":             {},
	"forwarder/version":         {},
	"forwarder/manual":          {"forwarder/version"},
	"forwarder/wire":            {},
	"forwarder/listener":        {"forwarder/host", "forwarder/tcp", "forwarder/udp"},
	"forwarder/logging":         {"forwarder/host"}, // which knows where others own directories
	"forwarder/health":          {"forwarder/host", "forwarder/trouble", "forwarder/upstream", "forwarder/wire"},
	"forwarder/rrl":             {"acl"},
	"forwarder/store":           {"forwarder/host"},
	"forwarder/local":           {"forwarder/wire"},
	"forwarder/selfcheck":       {"forwarder/wire"},
	"forwarder/scrub":           {"forwarder/wire"},
	"forwarder/upstream":        {"forwarder/wire"},
	"forwarder/watch":           {"forwarder/wire"},
	"forwarder/counts":          {"forwarder/trouble", "forwarder/upstream", "forwarder/wire"},
	"forwarder/querylog":        {"forwarder/logging", "forwarder/wire"},
	"forwarder/tap":             {"forwarder/config", "forwarder/dnstap", "forwarder/host", "forwarder/logging", "forwarder/trouble"},
	"forwarder/config":          {"acl", "forwarder/host", "forwarder/local", "forwarder/logging", "forwarder/namedconf", "forwarder/version"},
	"forwarder/control":         {"forwarder/host", "forwarder/rndc", "forwarder/rndcconf"},
	"forwarder/rndcconf":        {"forwarder/config", "forwarder/namedconf", "forwarder/rndc"},
	"forwarder":                 {"acl", "cache", "forwarder/config", "forwarder/counts", "forwarder/dnstap", "forwarder/health", "forwarder/host", "forwarder/hot", "forwarder/latency", "forwarder/listener", "forwarder/local", "forwarder/logging", "forwarder/querylog", "forwarder/recent", "forwarder/rrl", "forwarder/scrub", "forwarder/selfcheck", "forwarder/store", "forwarder/tail", "forwarder/tap", "forwarder/tcp", "forwarder/trouble", "forwarder/udp", "forwarder/upstream", "forwarder/watch", "forwarder/wire"},
	"forwarder/metrics":         {"forwarder", "forwarder/upstream", "forwarder/version", "forwarder/watch"}, // upstream and watch for the types of its Stats
	"cmd/forwarder":             {"forwarder", "forwarder/config", "forwarder/control", "forwarder/host", "forwarder/logging", "forwarder/manual", "forwarder/metrics", "forwarder/namedconf", "forwarder/rndc", "forwarder/rndcconf", "forwarder/tcp", "forwarder/version", "forwarder/watch", "cmd/forwarder/demo", "cmd/forwarder/doctor", "cmd/forwarder/page", "cmd/forwarder/peer", "cmd/forwarder/shadow", "cmd/forwarder/statistics", "cmd/forwarder/top"},
	"cmd/forwarder/demo":        {"forwarder", "forwarder/config", "forwarder/host", "forwarder/watch", "cmd/forwarder/page", "cmd/forwarder/peer", "cmd/forwarder/vpcresolver", "testdata"},
	"cmd/forwarder/doctor":      {"acl", "forwarder/config", "forwarder/host", "forwarder/udp"},
	"cmd/forwarder/page":        {"cmd/forwarder/peer", "forwarder", "forwarder/config", "forwarder/host", "forwarder/latency", "forwarder/tcp", "forwarder/trouble", "forwarder/upstream", "forwarder/version", "forwarder/watch"},
	"cmd/forwarder/peer":        {"forwarder/host", "forwarder/trouble", "forwarder/watch"},
	"cmd/forwarder/shadow":      {},
	"cmd/forwarder/statistics":  {"forwarder", "forwarder/config", "forwarder/counts", "forwarder/version"},
	"cmd/forwarder/top":         {"cmd/forwarder/page", "forwarder/manual", "forwarder/watch"},
	"cmd/forwarder/vpcresolver": {},
	"cmd/failover":              {"forwarder/control", "forwarder/host", "forwarder/manual", "forwarder/rndc", "forwarder/version", "forwarder/watch", "cmd/failover/pair", "cmd/failover/timeline", "cmd/failover/zone"},
	"cmd/failover/pair":         {"forwarder/control", "forwarder/watch"},
	"cmd/failover/timeline":     {},
	"cmd/failover/zone":         {},
	"cmd/bench":                 {"cmd/bench/markdown", "cmd/bench/sizing", "cmd/forwarder/vpcresolver", "forwarder/udp"},
	"cmd/bench/markdown":        {},
	"cmd/bench/sizing":          {"cmd/bench/markdown"},
	"deploy/dashboard":          {"forwarder/metrics"},

	// For tests only.
	"cmd/failover/route53":              {},
	"cmd/failover/route53/standin":      {"cmd/failover/route53", "cmd/forwarder/vpcresolver"},
	"cmd/failover/route53/servicemodel": {"forwarder/workbench"},
	"forwarder/workbench":               {},
	"cmd/forwarder/lab":                 {"cmd/forwarder/vpcresolver", "forwarder/workbench", "testdata"},
	"cmd/forwarder/faults":              {},
	"cmd/forwarder/page/browser":        {},
	"testdata":                          {},
}

// shown are the packages whose arrows the README shows, in its order.
var shown = []string{"cmd/forwarder", "cmd/failover", "forwarder/metrics", "forwarder", "forwarder/config", "forwarder/health", "forwarder/listener", "forwarder/logging", "forwarder/store", "forwarder/rrl", "forwarder/local", "forwarder/scrub", "forwarder/selfcheck", "forwarder/upstream", "forwarder/watch"}

// owners are packages that only some of ours may know.
var owners = map[string][]string{
	"unsafe":                 {"forwarder/udp", "forwarder/host", "cache"}, // system calls that x/sys lacks; an entry in one pointer
	"github.com/prometheus":  {"forwarder/metrics"},
	"github.com/grafana":     {"deploy/dashboard"},
	"github.com/dnstap":      {"forwarder/dnstap"},
	"github.com/spf13/pflag": {"forwarder/manual", "cmd/forwarder", "cmd/failover"},
	"github.com/aws":         {"cmd/failover", "cmd/failover/zone"},
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
	for pkg := range arrows {
		if _, ok := imports[pkg]; !ok {
			t.Errorf("the table of arrows has %s, which is not there", pkg)
		}
	}
}

// The README's line of arrows is that of the table.
func TestReadmeArrows(t *testing.T) {
	workbench.HoldSection(t, "../README.md", "arrows", arrowsLine()+"\n", *update)
}

var update = goflag.Bool("update", false, "write the arrows in the README")

// arrowsLine writes the table: packages that import the same stand together.
func arrowsLine() string {
	var parts []string
	for i := 0; i < len(shown); {
		to, from := targets(shown[i]), []string{short(shown[i])}
		for i++; i < len(shown) && targets(shown[i]) == to; i++ {
			from = append(from, short(shown[i]))
		}
		parts = append(parts, "`"+strings.Join(from, ", ")+" → "+to+"`")
	}
	return strings.Join(parts, " ·\n")
}

func targets(pkg string) string {
	var list []string
	for _, to := range arrows[pkg] {
		list = append(list, short(to))
	}
	return strings.Join(list, ", ")
}

func short(pkg string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(pkg, "cmd/forwarder/"), "cmd/failover/"), "forwarder/")
}

// hotFiles are those that every datagram passes through, and what they do not
// hold: what allocates, waits or writes for people.
var (
	hotFiles = []string{
		"counts/counts.go", "counts/replies.go", "query.go", "readers.go", "replied.go", "response.go", "insight.go", "hot/sampler.go",
		"udp/in.go", "udp/out.go", "udp/peer.go", "udp/batch_linux.go", "udp/mmsg_linux.go", "udp/segment_linux.go", "udp/send_linux.go",
		"wire/answer.go", "wire/chain.go", "wire/edns.go", "wire/message.go", "wire/name.go", "wire/query.go", "wire/queryrecords.go",
		"../cache/cache.go", "../cache/entry.go", "../cache/table.go",
		"../acl/set.go",
	}
	notInHotFiles = []string{"fmt", "log", "log/slog", "context", "sync", "container/list"}
)

func TestHotFiles(t *testing.T) {
	for _, path := range hotFiles {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range file.Imports {
			if name, _ := strconv.Unquote(spec.Path.Value); slices.Contains(notInHotFiles, name) {
				t.Errorf("%s imports %s", path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.DeferStmt:
				t.Errorf("%s has a defer", path)
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", path)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && n.Sel.Name == "Now" {
					t.Errorf("%s reads the clock", path)
				}
			}
			return true
		})
	}
}

// Each package says in one place what it is.
func TestPackageComments(t *testing.T) {
	comments := make(map[string][]string)
	walkModule(t, func(dir, path string, file *ast.File) {
		if file.Doc != nil {
			comments[dir] = append(comments[dir], path)
		} else if comments[dir] == nil {
			comments[dir] = []string{}
		}
	})
	for dir, list := range comments {
		if len(list) != 1 {
			t.Errorf("%s has %d package comments %v, want one", dir, len(list), list)
		}
	}
}

// moduleImports returns what each package imports, outside its tests.
func moduleImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	walkModule(t, func(dir, path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		imports[dir] = append(imports[dir], "")
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			imports[dir] = append(imports[dir], name)
		}
	})
	return imports
}

// walkModule parses the head of every Go file, dir being its package's path in
// the module.
func walkModule(t *testing.T, visit func(dir, path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != ".." || path == "../testdata/embed"): // another module's
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		visit(dir, path, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
