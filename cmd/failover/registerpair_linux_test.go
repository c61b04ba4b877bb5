package main

import (
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

// What a hook calls reaches the forwarders at once, though Route 53 takes a minute;
// one that is gone is said, and keeps nobody.
func TestRegisterTellsForwarders(t *testing.T) {
	l := newPairLab(t, time.Minute, route53.Simple(app, "A", 30, "10.0.0.1"))
	l.forwarder("a")
	l.forwarder("b")
	both := l.pair("a", "b")
	own := func(verb, address string, more ...string) []string {
		return append([]string{verb, "--name", app, "--zone-id", "ZPRIVATE", "--address", address, "--timeout", "20s"}, more...)
	}
	overridden := func(want string, n int) {
		t.Helper()
		if _, out, errs := command(append([]string{"override", "list"}, both...)...); strings.Count(out, want) != n || strings.Contains(out, "unless it is confirmed") {
			t.Errorf("override list: %s%s, want %q at %d", out, errs, want, n)
		}
	}
	refused, out, errs := command(own("register", "10.0.0.2", append(both, "--from", "10.0.0.7")...)...)
	if refused != 2 || strings.Contains(out, "override in force") {
		t.Errorf("register --from another = %d, %s%s", refused, out, errs)
	}
	overridden("no override", 2)
	succeeds(t, "done: the record is as asked for", own("register", "10.0.0.2", both...)...)
	overridden(app+" A has 10.0.0.2", 2)
	succeeds(t, "nothing is to be done", own("deregister", "10.0.0.9", append(both, "--parking", "10.0.0.3")...)...)
	succeeds(t, "done: the record is as asked for", own("deregister", "10.0.0.2", append(both, "--parking", "10.0.0.3")...)...)
	overridden(app+" A has 10.0.0.3", 2)

	begun := time.Now()
	for _, gone := range [][]string{l.pair("a", "gone"), append(l.pair("a"), "--forwarder", "nobody.invalid")} {
		status, out, errs := command(own("register", "10.0.0.4", gone...)...)
		if status != 7 || !strings.Contains(out, "has 10.0.0.4") && !strings.Contains(out, "to 10.0.0.4") {
			t.Errorf("register without a forwarder = %d, %s%s", status, out, errs)
		}
	}
	if took := time.Since(begun); took > 40*time.Second {
		t.Errorf("two starts took %v, want 20 s each at most", took)
	}
	overridden(app+" A has 10.0.0.4", 1)

	l.api.Break(route53.Fault{Action: "ChangeResourceRecordSets", Code: "AccessDenied"})
	fails(t, 3, "failover override add "+app+" A 10.0.0.5 --forwarder 127.0.0.1:", own("register", "10.0.0.5", both...)...)
	overridden("10.0.0.5", 0)
	l.api.Break()
	succeeds(t, "flushed "+app, own("deregister", "10.0.0.4", append(both, "--delete")...)...)
}
