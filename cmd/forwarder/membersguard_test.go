package main

import (
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// A guard that is cleared at a member is cleared at a newcomer that took it over, which
// whoever commands may not know yet.
func TestGuardClearedAtMember(t *testing.T) {
	workbench.Need(t, "dig")
	f := newMemberLab(t)
	if err := f.resolver.Set("db.corp.test. 30 IN A 10.79.1.7"); err != nil {
		t.Fatal(err)
	}
	first := f.start("127.0.0.11")
	first.ok(f, "watch", "db.corp.test")
	first.dig("db.corp.test")
	if err := f.resolver.Set("db.corp.test. 30 IN A 10.79.1.8"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the change", func() bool {
		first.ok(f, "flushname", "db.corp.test")
		return first.gives("db.corp.test", "10.79.1.8")
	})
	newcomer := f.start("127.0.0.12", f.address("127.0.0.11"))
	newcomer.WaitToSay(t, "member "+f.address("127.0.0.11")+": took over 1 watched name, 1 guard")
	first.ok(f, "guard", "clear", "db.corp.test")
	newcomer.WaitToSay(t, "db.corp.test A: the guard was cleared at member "+f.address("127.0.0.11"))
	if code, _, stderr := newcomer.tell(f, "guard", "clear", "db.corp.test"); code != 1 || !strings.Contains(stderr, "has no guard") {
		t.Errorf("guard clear at the newcomer = %d: %s", code, stderr)
	}
}
