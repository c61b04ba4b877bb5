package config

import (
	goflag "flag"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

var update = goflag.Bool("update", false, "write the table of options in the README")

// The README's table of options is that of the code.
func TestReadme(t *testing.T) { workbench.HoldSection(t, "README.md", "options", table(), *update) }

// table describes all options in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("| option | in | value | here | why |\n|---|---|---|---|---|\n")
	for _, o := range Options() {
		b.WriteString(row(o))
	}
	return b.String()
}

func row(o Option) string {
	why := markdown(o.Why)
	if o.Except != "" {
		why += "; `" + o.Except + "` is fine"
	}
	cells := []string{"`" + o.Name + "`", o.In, markdown(o.Value), o.Treatment.String(), why}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func markdown(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(s)
}

func TestTableRows(t *testing.T) {
	text := table()
	for _, want := range []string{
		"| `recursion` | options, view | boolean | honoured |  |\n",
		"| `notify` | options, view, primary zone | (boolean \\| (explicit \\| master-only \\| primary-only)) | missed | there are no NOTIFYs: secondaries learn nothing from here; `no` is fine |\n",
		"| `view` | top level | name [word] { … } | honoured |  |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q", want)
		}
	}
	if got, want := strings.Count(text, "\n"), len(options())+2; got != want {
		t.Errorf("the table has %d lines, want %d", got, want)
	}
}
