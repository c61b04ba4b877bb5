package logging

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// namedChannels are the clauses that named runs with, and ours for the same.
var namedChannels = []struct {
	clause  string
	channel Channel
}{
	{"print-time yes; print-category yes; print-severity yes;", Channel{PrintTime: Local, PrintCategory: true, PrintSeverity: true}},
	{"print-time local; print-severity yes;", Channel{PrintTime: Local, PrintSeverity: true}},
	{"print-time iso8601; print-category yes;", Channel{PrintTime: ISO8601, PrintCategory: true}},
	{"print-time iso8601-utc;", Channel{PrintTime: ISO8601UTC}},
	{"print-category yes; print-severity yes;", Channel{PrintCategory: true, PrintSeverity: true}},
	{"print-severity no;", Channel{}},
}

// Every line that a real named writes is one that we would write: the full
// line tells time, category, severity and message, and from these we must make
// what named put into its other channels.
func TestSameLinesAsNamed(t *testing.T) {
	dir := runNamed(t)
	full := regexp.MustCompile(`^(\S+ \S+) ([a-z-]+): (critical|error|warning|notice|info|debug \d+): (.*)$`)
	others := make([][]string, len(namedChannels))
	for i := range namedChannels {
		others[i] = strings.Split(read(t, filepath.Join(dir, fmt.Sprint(i))), "\n")
	}
	seen := 0
	for n, line := range others[0][:len(others[0])-1] {
		m := full.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("named wrote %q: not time, category, severity, message", line)
		}
		at, err := time.ParseInLocation("02-Jan-2006 15:04:05.000", m[1], time.Local)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for i, test := range namedChannels {
			got := string(appendPrefix(nil, new(timestamp), &test.channel, m[2], at, level(t, m[3]))) + m[4]
			if want := others[i][n]; got != want {
				t.Errorf("channel { %s } = %q, want named's %q", test.clause, got, want)
			}
		}
	}
	if seen < 20 {
		t.Errorf("named wrote %d lines, want 20 or more", seen)
	}
}

func level(t *testing.T, name string) slog.Level {
	if n, ok := strings.CutPrefix(name, "debug "); ok {
		d, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		return Debug(d)
	}
	for _, l := range []slog.Level{Critical, Error, Warning, Notice, Info} {
		if SeverityName(l) == name {
			return l
		}
	}
	t.Fatalf("named knows severity %q, we do not", name)
	return 0
}

// runNamed starts named without a single socket, stops it when it runs, and
// returns the directory of its logs.
func runNamed(t *testing.T) string {
	path := workbench.Need(t, "named")
	dir := t.TempDir()
	conf := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(conf, []byte(namedConf(dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-f", "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if strings.Contains(readIfAny(filepath.Join(dir, "0")), "notice: running\n") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readIfAny(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

func namedConf(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `options { directory %q; pid-file none; session-keyfile none; listen-on { none; };
		listen-on-v6 { none; }; dnssec-validation no; recursion no; };
		controls { };
		logging {
`, dir)
	var names strings.Builder
	for i, c := range namedChannels {
		fmt.Fprintf(&b, "channel c%d { file \"%d\"; severity debug 99; %s };\n", i, i, c.clause)
		fmt.Fprintf(&names, "c%d; ", i)
	}
	fmt.Fprintf(&b, "category default { %s};\n};\n", names.String())
	return b.String()
}
