package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/watch"
)

// command runs the program in this process.
func command(args ...string) (status int, stdout, stderr string) {
	var out, errOut strings.Builder
	status = run(context.Background(), args, &out, &errOut)
	return status, out.String(), errOut.String()
}

// Each help fits a terminal, says all exit statuses, and that of the program names
// all verbs.
func TestHelpFits(t *testing.T) {
	_, whole, _ := command("--help")
	helps := map[string]string{"": whole}
	for _, v := range verbs() {
		status, text, _ := command(v.name, "--help")
		if _, same, _ := command("help", v.name); status != 0 || same == "" {
			t.Errorf("failover %s --help: status %d, failover help %[1]s: %[3]q", v.name, status, same)
		}
		helps[v.name] = text
		if !strings.Contains(whole, "\n  "+v.name+" ") {
			t.Errorf("failover --help does not list %s", v.name)
		}
	}
	for name, text := range helps {
		if !strings.Contains(text, outcomeList()) {
			t.Errorf("failover %s --help lacks the exit statuses", name)
		}
		for line := range strings.Lines(text) {
			for _, value := range []string{"(default [", "m0s)"} {
				if strings.Contains(line, value) {
					t.Errorf("failover %s --help has %q, which is Go's", name, line)
				}
			}
			if line = strings.TrimSuffix(line, "\n"); len(line) > manual.Columns {
				t.Errorf("failover %s --help has %q, want %d columns at most", name, line, manual.Columns)
			}
		}
	}
}

// The manual's table is the help's.
func TestDocHasOutcomes(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if line := fmt.Sprintf("//\t%d  %s\n", o.status, o.meaning); !strings.Contains(string(doc), line) {
			t.Errorf("doc.go lacks %q", line)
		}
	}
}

func TestExitStatus(t *testing.T) {
	wrapped := fmt.Errorf("switching a.example: %w", zone.ErrRefused)
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk full"), 1},
		{usageError("no name"), 1},
		{wrapped, 2},
		{errors.Join(errUnreachable, zone.ErrAPI), 3},
		{fmt.Errorf("waiting: %w", zone.ErrNotInsync), 4},
		{errors.Join(errUnreachable, errStillOld), 5},
		{errors.Join(errCameBack, errUnreachable), 6},
		{errUnreachable, 7},
	} {
		if got := exitStatus(tt.err); got != tt.want {
			t.Errorf("exitStatus(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// What is said of a signal, and of what is no address, are words of people.
func TestSentences(t *testing.T) {
	stopped := fmt.Errorf("the record is as it was: %w", context.Canceled)
	for _, err := range []error{stopped, context.Canceled, fmt.Errorf("%w; nothing was changed", stopped)} {
		if got := sentence(err); !strings.HasPrefix(got, "stopped by a signal") || strings.Contains(got, "canceled") {
			t.Errorf("sentence(%v) = %q", err, got)
		}
	}
	status, _, stderr := command("switch", "--name", app, "--address", "10.0.0")
	if status != exitFailure || !strings.Contains(stderr, `"10.0.0" for "--address" flag: this is no address`) {
		t.Errorf("--address 10.0.0: %d, %q", status, stderr)
	}
}

// A status fits a terminal, whatever stands in it, and says the time's zone.
func TestStatusFits(t *testing.T) {
	now := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	const name = "myservice.awslab.mycompany.corp"
	st := nameStatus{Name: name, Type: "A", Agree: true, Forwarders: []forwarderStatus{
		{Forwarder: "10.79.1.10#53", Answer: []string{"10.79.252.14"}, Watch: &watch.Status{
			Watched: true, Since: now, Sets: []watch.SetStatus{{Type: "A", Guard: &watch.GuardStatus{Refused: [][]string{{"10.79.252.13"}, {"10.79.252.15"}}}}},
			Overrides: []watch.OverrideStatus{{Name: name, Type: "A", Data: []string{"10.79.252.14"}, By: "key 'failover' at 10.79.200.200#50000", Set: now, Expires: now}},
			History:   []watch.Change{{Type: "A", New: []string{"10.79.252.14"}, Source: watch.Operator, By: "key 'failover' at 10.79.200.200#50000", At: now}},
		}},
		{Forwarder: "10.79.2.10#53", DNSError: "connection refused", Error: strings.Repeat("a long reason ", 9)},
	}}
	var b strings.Builder
	st.write(&b)
	zone, _ := now.Local().Zone()
	says(t, b.String(), "those that answered agree", "watched since "+now.Local().Format(time.DateTime)+" "+zone)
	for line := range strings.Lines(b.String()) {
		if len(strings.TrimSuffix(line, "\n")) > manual.Columns {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if status, _, errs := command("status", name, "--no-aws"); status != exitFailure || !strings.Contains(errs, "nobody is left to ask") {
		t.Errorf("status of nobody = %d, %q", status, errs)
	}
}

func TestUnknownVerb(t *testing.T) {
	for _, args := range [][]string{{"swicth"}, {"help", "swicth"}} {
		status, _, stderr := command(args...)
		if status != exitFailure || !strings.Contains(stderr, `no verb "swicth"`) {
			t.Errorf("failover %v = %d, %q", args, status, stderr)
		}
	}
	if status, _, stderr := command(); status != exitFailure || !strings.Contains(stderr, "Usage:") {
		t.Errorf("failover = %d, %q, want its usage", status, stderr)
	}
	if status, out, _ := command("--version"); status != 0 || !strings.HasPrefix(out, "failover ") {
		t.Errorf("failover --version = %d, %q", status, out)
	}
}

// says wants a text to have all of these.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}
