package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Forwarders that do not trust each other with overrides: each has a key of its own for
// operators, and a common one, which is limited to what taking over needs.
func TestMemberKey(t *testing.T) {
	f := newMemberLab(t)
	f.flags = []string{"--control-key", "member=watch"}
	own := func(at string) string {
		secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(at, 3)))
		return fmt.Sprintf("key \"own\" { algorithm hmac-sha256; secret \"%s\"; };\n", secret)
	}
	common := "key \"member\" { algorithm hmac-sha256; secret \"" + testSecret + "\"; };\n"
	start := func(at string, members ...string) *fleetMember {
		f.conf = strings.ReplaceAll(memberConf, `"hmac-sha1"; "hmac-sha256";`, `"member"; "own";`) + common + own(at)
		m := f.start(at, members...)
		write(t, m.dir+"/rndc.conf", common+own("127.0.0.11")+`options { default-key "own"; };`) // what the owner of the first has
		return m
	}
	first := start("127.0.0.11")
	first.ok(f, "override", "add", "app.corp.test", "A", "10.0.0.1")
	newcomer := start("127.0.0.12", f.address("127.0.0.11"))
	newcomer.WaitToSay(t, "member "+f.address("127.0.0.11")+": took over 1 override")
	add := []string{"override", "add", "app.corp.test", "A", "10.0.0.2"}
	if code, stdout, stderr := newcomer.tell(f, add...); code == 0 {
		t.Errorf("the key of the first overrides at the newcomer: %s%s", stdout, stderr)
	}
	if code, _, stderr := newcomer.tell(f, append([]string{"-y", "member"}, add...)...); code != 1 || !strings.Contains(stderr, "limited to watch") {
		t.Errorf("the common key overrides at the newcomer = %d: %s", code, stderr)
	}
}
