package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/version"
	"vpcdns/forwarder/workbench"
)

// writePages writes all manual pages into a directory, as the package does, and
// returns their paths by name.
func writePages(t *testing.T) map[string]string {
	t.Helper()
	dir, paths := t.TempDir(), make(map[string]string)
	var list strings.Builder
	run([]string{"man", "--list"}, &list, os.Stderr)
	for _, name := range strings.Fields(list.String()) {
		var text, stderr strings.Builder
		if status := run([]string{"man", name}, &text, &stderr); status != 0 || stderr.Len() > 0 {
			t.Fatalf("man %s = %d, %s", name, status, stderr.String())
		}
		paths[name] = filepath.Join(dir, name)
		write(t, paths[name], text.String())
	}
	return paths
}

func TestManIsValid(t *testing.T) {
	for _, tool := range [][]string{
		{"mandoc", "-Tlint", "-W", "warning"},
		{"groff", "-man", "-ww", "-Tutf8", "-z"},
	} {
		t.Run(tool[0], func(t *testing.T) {
			path := workbench.Need(t, tool[0])
			for name, page := range writePages(t) {
				out, err := exec.Command(path, append(tool[1:], page)...).CombinedOutput()
				if err != nil || len(out) > 0 {
					t.Errorf("%s of %s: %v\n%s", tool[0], name, err, out)
				}
			}
		})
	}
}

// rendered is a page as man shows it on a terminal of 80 columns, and the same with
// each run of blanks as one.
func rendered(t *testing.T, path string) (shown, flat string) {
	t.Helper()
	cmd := exec.Command(workbench.Need(t, "man"), "--no-hyphenation", "--no-justification", "-l", path)
	cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("man -l %s: %v\n%s", path, err, out)
	}
	return string(out), strings.Join(strings.Fields(string(out)), " ")
}

// What the tables have, the reader finds.
func TestManIsWhole(t *testing.T) {
	pages := writePages(t)
	_, daemon := rendered(t, pages["forwarder.8"])
	wants := []string{"forwarder " + version.Number, "SIGUSR2", "EXIT STATUS", "/etc/named.conf"}
	newFlags().set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			wants = append(wants, "--"+f.Name)
		}
	})
	for _, v := range verbs() {
		wants = append(wants, "forwarder "+v.name, v.summary)
	}
	for _, c := range allForms() {
		wants = append(wants, c.name, c.summary)
	}
	for _, want := range wants {
		if !strings.Contains(daemon, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("forwarder(8) lacks %q", want)
		}
	}
	_, conf := rendered(t, pages["forwarder.conf.5"])
	for _, o := range config.Options() {
		if !strings.Contains(conf, o.Name) || !strings.Contains(conf, strings.Join(strings.Fields(o.Why), " ")) {
			t.Errorf("forwarder.conf(5) lacks %s or why: %s", o.Name, o.Why)
		}
	}
}

// Each table stands below a heading of doc.go, and no line is wider than a terminal.
func TestManIsReadable(t *testing.T) {
	var headings []string
	for _, c := range manual.Chapters(docText) {
		headings = append(headings, c.Heading)
	}
	for _, want := range []string{"Flags", "Verbs", "Control commands", "Options of named.conf", "Exit status"} {
		if !slices.Contains(headings, want) {
			t.Errorf("doc.go has no heading %q", want)
		}
	}
	for name, path := range writePages(t) {
		shown, _ := rendered(t, path)
		for line := range strings.Lines(shown) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("%s has a line of %d columns: %s", name, n, line)
			}
		}
	}
}

func TestManUnknownPage(t *testing.T) {
	var stdout, stderr strings.Builder
	status := run([]string{"man", "nonsense"}, &stdout, &stderr)
	if want := regexp.MustCompile(`no page 'nonsense'`); status != 1 || stdout.Len() > 0 || !want.MatchString(stderr.String()) {
		t.Errorf("man nonsense = %d, %q, %q, want 1 and a reason", status, stdout.String(), stderr.String())
	}
}
