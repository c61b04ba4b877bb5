package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var update = flag.Bool("update", false, "write the table of metrics in README.md")

const (
	beginMark = "<!-- metrics:begin -->\n"
	endMark   = "<!-- metrics:end -->\n"
)

// The table of metrics in README.md is that of the code.
func TestReadme(t *testing.T) {
	const path = "README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, e := strings.Count(string(text), beginMark), strings.Count(string(text), endMark); b != e || b > 1 {
		t.Fatalf("README.md has %d begins and %d ends of the metrics, want one of each", b, e)
	}
	want := withSection(string(text), table())
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the metrics in README.md are not those of the code: go test ./forwarder/metrics -update")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withSection returns text with the section between the marks, which come at
// the end if they are missing.
func withSection(text, section string) string {
	before, rest, begun := strings.Cut(text, beginMark)
	_, after, _ := strings.Cut(rest, endMark)
	if !begun {
		return strings.TrimRight(text, "\n") + "\n\n" + beginMark + section + endMark
	}
	return before + beginMark + section + endMark + after
}

// table describes all metrics in Markdown.
func table() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range families {
		labels := ""
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.fullName(), f.kind, labels, f.help)
	}
	return b.String()
}

func TestWithSection(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no marks", "# A\n\ntext\n", "# A\n\ntext\n\n" + beginMark + "new\n" + endMark},
		{"marks", "a\n" + beginMark + "old\nold\n" + endMark + "z\n", "a\n" + beginMark + "new\n" + endMark + "z\n"},
		{"marks around nothing", beginMark + endMark, beginMark + "new\n" + endMark},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := withSection(test.text, "new\n"); got != test.want {
				t.Errorf("withSection(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// What the table says is what Describe says, and nothing in it breaks the table.
func TestTableIsWhatIsDescribed(t *testing.T) {
	st := sample()
	described := make(chan *prometheus.Desc, len(families)+1)
	collectorOf(&st).Describe(described)
	close(described)
	lines := strings.Split(strings.TrimSpace(table()), "\n")[2:]
	for _, line := range lines {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 {
			t.Errorf("%d cells in %q, want 4", len(cells), line)
			continue
		}
		d, ok := <-described
		for _, cell := range []string{strings.Trim(cells[0], "|` "), strings.TrimSuffix(cells[3], " |")} {
			if !ok || !strings.Contains(d.String(), fmt.Sprintf("%q", cell)) {
				t.Errorf("the table has %q, Describe has %v", cell, d)
			}
		}
	}
	if d, more := <-described; more {
		t.Errorf("Describe has %v, which the table lacks", d)
	}
}

// Every label is bounded by the configuration, the host or a list in the code: no
// names, addresses or ports of clients.
func TestLabels(t *testing.T) {
	known := map[string]bool{
		"transport": true, "zone": true, "source": true, "rcode": true, // of queries
		"server":    true,                    // of upstream
		"interface": true, "allowance": true, // of this host
		"name": true, "type": true, "state": true, // of names: see watch.NameStats
		"channel": true,                  // of the log
		"kind":    true, "subject": true, // of what is wrong: see trouble.Table
		"result": true, "action": true, "version": true, "revision": true, "goversion": true,
	}
	for _, f := range families {
		for _, label := range f.labels {
			if !known[label] {
				t.Errorf("%s has the label %s: is it bounded?", f.fullName(), label)
			}
		}
	}
}
