package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// A machine that resolves names through the forwarder itself: it finds members while it
// starts, and is ready where there is nobody to wait for.
func TestMembersThroughItself(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	for _, program := range []string{"ip", "unshare", "dig"} {
		workbench.Need(t, program)
	}
	n := lab.NewNamespace(t)
	n.IP(t, "link set lo up")
	n.Do(t, func() { testMembersThroughItself(t) })
}

func testMembersThroughItself(t *testing.T) {
	f := newMemberLab(t)
	records := []string{"members.corp.test. 10 IN A 127.0.0.11", "members.corp.test. 10 IN A 127.0.0.12"}
	for i := range 100 {
		records = append(records, fmt.Sprintf("hundred.corp.test. 10 IN A 127.0.1.%d", i+1))
	}
	if err := f.resolver.Set(records...); err != nil {
		t.Fatal(err)
	}
	first := f.start("127.0.0.11")
	first.ok(f, "override", "add", "app.corp.test", "A", "10.0.0.1")
	f.command = func(args ...string) *exec.Cmd {
		etc := map[string]string{"resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "hosts": "\n"}
		return lab.Command(t, etc, "", append([]string{f.program}, args...)...)
	}
	named := func(name string) string { return fmt.Sprintf("%s.corp.test#%d", name, f.control) }
	dns := netip.MustParseAddrPort("127.0.0.1:53")
	newcomer := f.startAt("127.0.0.12", dns, named("members"))
	newcomer.WaitToSay(t, "member "+f.address("127.0.0.11")+": took over 1 override")
	if !newcomer.gives("app.corp.test", "10.0.0.1") {
		t.Errorf("the newcomer gives %q", newcomer.dig("+short", "app.corp.test"))
	}
	wantMatch(t, newcomer.ok(f, "summary"), `^members +1 of 1 other answered`)
	newcomer.End(t)
	f.startAt("127.0.0.12", dns, named("hundred")).WaitToSay(t, "100 addresses of members are more than 64")
}
