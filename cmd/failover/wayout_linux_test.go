package main

import (
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

// AWS is down, an operator overrides at both; AWS is back, and a switch to the same
// address puts the record right. Who then ends the override loses nothing.
func TestOverrideThenSwitch(t *testing.T) {
	l := newPairLab(t, 0, route53.Simple(app, "A", 2, "10.0.0.1"))
	l.forwarder("a")
	l.forwarder("b")
	both := l.pair("a", "b")
	status := func(want int, texts ...string) {
		t.Helper()
		got, out, errs := command(append([]string{"status", app, "--zone-id", "ZPRIVATE", "--api-timeout", "2s"}, both...)...)
		if got != want {
			t.Errorf("status = %d, want %d: %s%s", got, want, out, errs)
		}
		says(t, strings.Join(strings.Fields(out+errs), " "), texts...)
	}
	l.api.Break(route53.Fault{Code: "ServiceUnavailable"})
	_, stderr := l.document(3, append(both, "--api-timeout", "2s")...)
	_, wayOut, found := strings.Cut(stderr, "\n  failover ")
	if !found || !strings.Contains(stderr, "nothing was changed") {
		t.Fatalf("no command is named: %s", stderr)
	}
	args := strings.Fields(wayOut) // as it is to be copied
	if got, out, errs := command(args...); got != 0 || strings.Count(out, "has 10.0.0.2") != 2 {
		t.Fatalf("failover %q = %d, %s%s", args, got, out, errs)
	}
	status(3, "Route 53: not known", "override: "+app+" A has 10.0.0.2 by", "those that answered agree", "AWS fails")

	l.api.Break()
	status(5, "Route 53: 10.0.0.1", "THEY DISAGREE")
	d, stderr := l.document(0, both...)
	for _, s := range d.Servers {
		if s.Counts["old"] != 0 || s.CameBack != 0 {
			t.Errorf("%s gave the old address: %+v\n%s", s.Server, s, stderr)
		}
	}
	holds(t, l.api, app, "10.0.0.2")
	status(0, "Route 53: 10.0.0.2", "they agree")
	upstream := func() int { // forwarders whose resolver has let go of the old address
		_, out, _ := command(append([]string{"status", app, "--zone-id", "ZPRIVATE"}, both...)...)
		return strings.Count(out, "upstream: 10.0.0.2")
	}
	for deadline := time.Now().Add(time.Minute); upstream() < 2 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	for range 2 { // what is gone already is as it is to be
		if got, out, errs := command(append([]string{"override", "delete", app}, both...)...); got != 0 || strings.Count(out, "has no override") != 2 {
			t.Errorf("override delete = %d, %s%s", got, out, errs)
		}
	}
	status(0, "Route 53: 10.0.0.2", "they agree")
}
