//go:build unix

package logging

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What stderr says in place of syslog, of a built-in channel and of one of
// facility local3.
func TestStderrInsteadOfSyslog(t *testing.T) {
	times := regexp.MustCompile(`(?m)^\d\d-\w{3}-\d{4} [\d:.]{12}`)
	for name, test := range map[string]struct {
		c    Config
		want []string
	}{
		"no daemon": {Config{NoSyslog: true}, []string{
			"TIME hello", "TIME network: error: ouch"}},
		"journal": {Config{Journal: true}, []string{"<6>hello",
			"forwarder: logging to syslog failed: no daemon listens"}},
		"journal alone": {Config{Journal: true, NoSyslog: true}, []string{
			"<6>hello", "TIME network: error: ouch"}},
		"neither": {Config{}, []string{"forwarder: logging to syslog failed: no daemon listens",
			"forwarder: logging to syslog failed: no daemon listens"}},
		"a log file": {Config{NoSyslog: true, LogFile: filepath.Join(t.TempDir(), "log")}, []string{
			"TIME network: error: ouch"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.c.Channels = []Channel{{Name: "s", Kind: Syslog, Facility: "local3", PrintCategory: true, PrintSeverity: true}}
			test.c.Categories = map[string][]string{"network": {"s"}}
			w := newWorld(t)
			l := w.open(test.c)
			l.Logger("general").Info("hello")
			w.printed()
			l.Logger("network").Error("ouch")
			if got := times.ReplaceAllString(strings.TrimSuffix(w.printed(), "\n"), "TIME"); got != strings.Join(test.want, "\n") {
				t.Errorf("stderr = %q, want %q", got, test.want)
			}
		})
	}
}

func TestSyslogListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	e := env{syslog: []string{"/nonexistent/log", path}}
	if e.syslogListens() {
		t.Error("syslogListens() = true, want false: there is no socket")
	}
	listen(t, path).Close() // leaves the socket's file
	if e.syslogListens() {
		t.Error("syslogListens() = true, want false: nobody listens")
	}
}
