package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/namedconf"
)

// What scripts do with named's programs goes on, or does not.
func TestCalled(t *testing.T) {
	const none = namedconf.Severity(9)
	for line, want := range map[string]struct {
		severity namedconf.Severity
		what     string
	}{
		"0 3 * * * root /usr/sbin/rndc flush >/dev/null":  {namedconf.Harmless, "'rndc flush' does the same"},
		"rndc -s 10.0.0.1 -p 953 -k /etc/rndc.key status": {namedconf.Harmless, "'rndc -s 10.0.0.1 -p 953 -k /etc/rndc.key status'"},
		"    [ -x /usr/sbin/rndc ] && rndc reload a.test": {namedconf.Change, "'rndc reload a.test' fails"},
		"rndc freeze a.test; vi a.zone; rndc thaw":        {namedconf.Change, "'rndc freeze a.test' fails"},
		"x=`rndc status`":                               {namedconf.Harmless, "'rndc status'"},
		"systemctl -q restart named.service":            {namedconf.Harmless, "'systemctl -q restart named.service'"},
		"systemctl is-active --quiet named && echo up":  {namedconf.Harmless, "is-active --quiet named'"},
		"systemctl restart named-chroot":                {namedconf.Change, "named-chroot"},
		"service named reload > /dev/null 2>&1 || true": {namedconf.Harmless, "'service named reload'"},
		"/etc/init.d/bind9 restart":                     {namedconf.Change, "/etc/init.d/bind9 restart"},
		"After=network.target named.service":            {namedconf.Harmless, "After="},
		"Wants=bind9.service":                           {namedconf.Change, "Wants="},
		"named-checkconf -z /etc/named.conf || exit 1":  {namedconf.Change, "'named-checkconf' goes with"},
		"kill -HUP `cat /run/named/named.pid`":          {namedconf.Harmless, "/run/named/named.pid"},
		"kill $(pidof named)":                           {namedconf.Change, "'pidof named'"},
		"pgrep -x named >/dev/null":                     {namedconf.Change, "'pgrep -x named'"},
		"/usr/sbin/named -u named":                      {namedconf.Change, "starts named itself"},
		"curl -s http://127.0.0.1:8053/json/v1/server":  {namedconf.Change, "statistics-channel"},
		"systemctl restart named-data-sync":             {none, ""},
		"systemctl restart httpd":                       {none, ""},
		"echo unnamed":                                  {none, ""},
		"/var/log/named/*.log {":                        {none, ""},
		"create 0640 named named":                       {none, ""},
	} {
		c, ok := called(line)
		if ok != (want.severity != none) || ok && (c.severity != want.severity || !strings.Contains(c.what, want.what)) {
			t.Errorf("called(%q) = %v %q, %t, want %v %q", line, c.severity, c.what, ok, want.severity, want.what)
		}
	}
}

// A finding ends with its remedy.
func TestConcernOf(t *testing.T) {
	for message, want := range map[string]concern{
		"zone 'a' is slow; say forward only":            {what: "zone 'a' is slow", do: "say forward only"},
		"option 'x' is ignored: let it be":              {what: "option 'x' is ignored", do: "let it be"},
		"all is lost: b; it was":                        {what: "all is lost: b; it was", do: "nothing, if nobody relies on it"},
		"zone 'a' is not loaded. Mend the file, and go": {what: "zone 'a' is not loaded", do: "Mend the file, and go"},
	} {
		got := concernOf(namedconf.Finding{Severity: namedconf.Change, Message: message})
		if got.what != want.what || got.do != want.do {
			t.Errorf("concernOf(%q) = %q, %q, want %q, %q", message, got.what, got.do, want.what, want.do)
		}
	}
}

func TestWriteWrapped(t *testing.T) {
	var b strings.Builder
	writeWrapped(&b, "    Do: ", strings.Repeat("é234567890 ", 15))
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > manual.Columns {
			t.Errorf("a line has %d columns: %q", n, line)
		}
	}
	if got := strings.Count(b.String(), "\n        é"); got != 2 {
		t.Errorf("%d further lines, want 2: %q", got, &b)
	}
}

// What others have written does not reach the terminal as they wrote it.
func TestConcernIsPrintable(t *testing.T) {
	var b strings.Builder
	concern{pos: namedconf.Pos{File: "/etc/cron.d/a\x1b[2J"}, what: "it runs with '-c \x1b]0;x\a\u202e\u009b1m'", do: "\x1bc"}.write(&b)
	const want = "\n  /etc/cron.d/a?[2J\n    it runs with '-c ?]0;x???1m'\n    Do: ?c\n"
	if got := b.String(); got != want {
		t.Errorf("write = %q, want %q", got, want)
	}
}

// What the unit lets be written is what the check says.
func TestWritableIsOfTheUnit(t *testing.T) {
	text, err := os.ReadFile("../../forwarder.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := "\n" + string(text)
	var dirs []string
	for _, s := range parseEnvironment(unit) { // it has settings too
		switch s.name {
		case "ReadWritePaths":
			for _, dir := range strings.Fields(s.value) {
				dirs = append(dirs, strings.TrimPrefix(dir, "-"))
			}
		case "RuntimeDirectory":
			dirs = append(dirs, "/run/"+s.value)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(dirs)), slices.Sorted(slices.Values(writable))) {
		t.Errorf("forwarder.service lets %v be written, the check says %v", dirs, writable)
	}
}

// At the start of a server changes are warnings, and the rest is one line.
func TestLogFindings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	logs, err := logging.Open(logging.Config{LogFile: path})
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{logs: logs}
	d.logFindings([]namedconf.Finding{
		{Severity: namedconf.Harmless, Message: "nobody"}, {Severity: namedconf.Change, Message: "somebody"}, {Severity: namedconf.Harmless, Message: "nobody"},
	})
	logs.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"warning: ", "somebody", "2 options have no effect here; forwarder --check-config -v lists them"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %q: %s", want, text)
		}
	}
	if strings.Contains(string(text), "nobody") {
		t.Errorf("the log tells what is harmless line by line: %s", text)
	}
}
