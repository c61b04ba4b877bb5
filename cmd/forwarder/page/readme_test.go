package page

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/workbench"
)

var update = flag.Bool("update", false, "write the fields in README.md")

// README.md has each field of what is served, as the Go types are and say.
func TestReadmeFields(t *testing.T) {
	c := make(comments)
	c.read(t, "document.go")
	c.read(t, "../../../forwarder/watch/status.go")
	c.read(t, "../../../forwarder/watch/history.go")
	workbench.HoldSection(t, "README.md", "document", c.table(reflect.TypeFor[Document]()), *update)
	workbench.HoldSection(t, "README.md", "history", c.table(reflect.TypeFor[History]()), *update)
}

// comments are what the source says of fields, by type and field.
type comments map[string]string

func (c comments) read(t *testing.T, path string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						c[spec.Name.Name+"."+name.Name] = strings.TrimSpace(f.Comment.Text())
					}
				}
			}
		}
		return true
	})
}

func (c comments) table(t reflect.Type) string {
	var s strings.Builder
	s.WriteString("\n| field | JSON | what it is |\n|---|---|---|\n")
	c.rows(&s, "", t)
	s.WriteString("\n")
	return s.String()
}

// rows writes a row for each field of a struct, and those of what is in it.
func (c comments) rows(s *strings.Builder, path string, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			c.rows(s, path, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind, inner, mark := kindOf(f.Type)
		if strings.HasPrefix(options, "omit") {
			kind += ", or absent"
		}
		fmt.Fprintf(s, "| `%s` | %s | %s |\n", path+name, kind, strings.ReplaceAll(c[t.Name()+"."+f.Name], "|", `\|`))
		if inner != nil {
			c.rows(s, path+name+mark+".", inner)
		}
	}
}

// kindOf is what a type is in JSON, and the struct that is in it, if any.
func kindOf(t reflect.Type) (kind string, inner reflect.Type, mark string) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time", nil, ""
	case t == reflect.TypeFor[watch.Seconds]():
		return "seconds", nil, ""
	case t.PkgPath() == "net/netip":
		return "string", nil, ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Slice:
		kind, inner, mark = kindOf(t.Elem())
		return "list of " + kind, inner, mark + "[]"
	case reflect.Map:
		kind, inner, mark = kindOf(t.Elem())
		return "object of " + kind, inner, mark + ".*"
	case reflect.Struct:
		return "object", t, ""
	case reflect.String:
		return "string", nil, ""
	case reflect.Bool:
		return "true, false", nil, ""
	}
	return "number", nil, ""
}
