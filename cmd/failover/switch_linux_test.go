package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
)

const (
	pairKey = "key \"pair\" { algorithm hmac-sha256; secret \"z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s=\"; };\n"

	// pairConf is for named and for the forwarder.
	pairConf = pairKey + `controls { inet 127.0.0.1 port %[2]d allow { any; } keys { "pair"; }; };
options { directory %[1]q; pid-file none; session-keyfile none; listen-on port %[3]d { 127.0.0.1; }; listen-on-v6 { none; };
	forward only; forwarders { 127.0.0.1 port %[4]d; }; dnssec-validation no; empty-zones-enable no; };
zone "awslab.mycompany.corp" { type forward; forward only; forwarders { 127.0.0.1 port %[4]d; }; };
`
)

// pairLab is a pair of forwarders in front of a resolver that follows Route 53, all of
// it on loopback.
type pairLab struct {
	t        *testing.T
	api      *route53.Server
	upstream netip.AddrPort
	dir      string
	control  map[string]uint16 // by the name of a forwarder: a, b
	dns      map[string]uint16
	program  string
}

// newPairLab makes one; the change of a record takes so long.
func newPairLab(t *testing.T, delay time.Duration, records ...route53.RecordSet) *pairLab {
	t.Helper()
	l := &pairLab{t: t, api: account(t, route53.Options{Delays: []time.Duration{delay}}, records...), dir: t.TempDir(), program: lab.BuildForwarder(t)}
	r, err := vpcresolver.New("", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.Follow(l.api.Authority("vpc-1"))
	if l.upstream, err = r.Listen(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	l.control = map[string]uint16{"a": workbench.FreeAddr(t).Port(), "b": workbench.FreeAddr(t).Port(), "gone": workbench.FreeAddr(t).Port()}
	l.dns = map[string]uint16{"a": workbench.FreeAddr(t).Port(), "b": workbench.FreeAddr(t).Port(), "gone": workbench.FreeAddr(t).Port()}
	return l
}

func (l *pairLab) conf(name string) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name+".conf")
	text := fmt.Sprintf(pairConf, l.t.TempDir(), l.control[name], l.dns[name], l.upstream.Port())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// forwarder starts one that watches the name, and keeps its state.
func (l *pairLab) forwarder(name string) *lab.Process {
	l.t.Helper()
	p := lab.Start(l.t, name, exec.Command(l.program, "-g", "--metrics-address=", "-c", l.conf(name), "--state-file", filepath.Join(l.dir, name+".state"), "--watch", app))
	p.WaitToSay(l.t, "command channel listening on")
	p.WaitFor(l.t, netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", l.dns[name])))
	return p
}

func (l *pairLab) named(name string) *lab.Process {
	l.t.Helper()
	p := lab.Start(l.t, name, exec.Command(workbench.Need(l.t, "named"), "-g", "-c", l.conf(name)))
	p.WaitToSay(l.t, "all zones loaded")
	p.WaitFor(l.t, netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", l.dns[name])))
	return p
}

// pair are the flags that say which forwarders.
func (l *pairLab) pair(names ...string) []string {
	args := []string{"--key", filepath.Join(l.dir, names[0]+".conf")}
	for _, a := range names {
		args = append(args, "--forwarder", fmt.Sprintf("127.0.0.1:%d", l.control[a]), "--dns-port", fmt.Sprint(l.dns[a]))
	}
	return args
}

// switchArgs are those of a switch to 10.0.0.2, of a zone named by its ID.
func (l *pairLab) switchArgs(more ...string) []string {
	return append([]string{"switch", "--name", app, "--zone-id", "ZPRIVATE", "--address", "10.0.0.2", "--ttl", "2"}, more...)
}

// document runs a switch and reads its JSON.
func (l *pairLab) document(wantStatus int, args ...string) (d timeline.Document, stderr string) {
	l.t.Helper()
	status, out, stderr := command(append(l.switchArgs("--json"), args...)...)
	if err := json.Unmarshal([]byte(out), &d); err != nil || status != wantStatus || d.ExitStatus != wantStatus {
		l.t.Fatalf("failover switch = %d, want %d: %v\n%s%s", status, wantStatus, err, out, stderr)
	}
	return d, stderr
}

// said lists what was told of a server, in order.
func said(d timeline.Document, server string) string {
	var kinds []string
	for _, e := range d.Events {
		if e.Server == server {
			kinds = append(kinds, string(e.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// A forwarder and a BIND are the pair: the forwarder has the address before Route 53's
// servers do, the BIND follows, and all is drawn and written.
func TestSwitchPairWithNamed(t *testing.T) {
	l := newPairLab(t, 3*time.Second, route53.Simple(app, "A", 2, "10.0.0.1"))
	l.forwarder("a")
	l.named("b")
	svg, told := filepath.Join(l.dir, "plot.svg"), filepath.Join(l.dir, "told")
	d, stderr := l.document(0, append(l.pair("a", "b"), "--verify", l.upstream.String(), "--plot", svg, "--corporate", "exec:echo $NAME $ADDRESS > "+told)...)
	a, b := d.Servers[0], d.Servers[1]
	insync := time.Time(d.InSync)
	if !time.Time(a.FirstNew).Before(insync) || a.CameBack != 0 || b.CameBack != 0 || time.Time(b.LastOld).IsZero() || a.Last != timeline.IsNew || b.Last != timeline.IsNew || d.Servers[2].Last != timeline.IsNew {
		t.Errorf("servers %+v, INSYNC %v\n%s", d.Servers, insync, stderr)
	}
	says(t, said(d, a.Server), "override ", "override_confirmed", "first_new", "held", "upstream_new")
	says(t, said(d, b.Server), "failed flushed", "first_new")
	if told := said(d, a.Server); strings.Contains(told, "override_ended") == strings.Contains(told, "override_stays") {
		t.Errorf("the override ended or it stays: %s", told)
	}
	if text, _ := os.ReadFile(svg); !strings.HasPrefix(string(text), "<svg") {
		t.Errorf("the drawing is %.40q", text)
	}
	if text, _ := os.ReadFile(told); string(text) != app+" 10.0.0.2\n" {
		t.Errorf("the corporate server was told %q", text)
	}
	holds(t, l.api, app, "10.0.0.2")
}

// What is refused, or fails, leaves no override; the way out does without the API, and
// status shows what disagrees.
func TestSwitchWithdraws(t *testing.T) {
	l := newPairLab(t, 0, route53.Simple(app, "A", 2, "10.0.0.1", "10.0.0.9"))
	l.forwarder("a")
	l.forwarder("b")
	both := l.pair("a", "b")
	d, _ := l.document(2, append(both, "--from", "10.0.0.7")...)
	if got := said(d, d.Servers[0].Server); strings.Contains(got, "override") {
		t.Errorf("with --from there is an override before the change is accepted: %s", got)
	}
	l.api.Break(route53.Fault{Action: "ChangeResourceRecordSets", Hang: true})
	d, stderr := l.document(3, append(both, "--api-timeout", "2s")...)
	for _, s := range d.Servers {
		says(t, said(d, s.Server), "override ", "override_withdrawn")
		if got := said(d, s.Server); strings.Contains(got, "reachable") || strings.Contains(got, "failed") {
			t.Errorf("%s had no trouble, and is told of: %s", s.Server, got)
		}
	}
	says(t, stderr, "failover override add "+app+" A 10.0.0.2 --forwarder 127.0.0.1:", "is not known")
	l.api.Break(route53.Fault{Action: "ListResourceRecordSets", Code: "AccessDenied"})
	_, stderr = l.document(3, both...)
	says(t, stderr, "; nothing was changed\nwithout the API")
	if strings.Contains(stderr, "is not known") {
		t.Errorf("only reading failed, and yet: %s", stderr)
	}
	if status, out, errs := command(append([]string{"override", "list"}, both...)...); status != 0 || strings.Count(out, "no override") != 2 {
		t.Errorf("override list = %d, %s%s", status, out, errs)
	}
	if status, out, errs := command(append([]string{"override", "add", app, "10.0.0.2"}, both...)...); status != 0 || strings.Count(out, "has 10.0.0.2") != 2 {
		t.Errorf("override add = %d, %s%s", status, out, errs)
	}
	l.api.Break()
	args := append([]string{"status", app, "--zone-id", "ZPRIVATE"}, both...)
	status, out, errs := command(args...)
	if status != 5 {
		t.Errorf("status = %d, want 5: %s", status, errs)
	}
	says(t, out, "Route 53: 10.0.0.1, 10.0.0.9, TTL 2 s", "override: "+app+" A has 10.0.0.2 by", "THEY DISAGREE", "watched since")
	var st nameStatus
	if _, out, _ := command(append(args, "--json")...); json.Unmarshal([]byte(out), &st) != nil || st.Agree || len(st.Forwarders) != 2 || len(st.Forwarders[1].Watch.Overrides) != 1 {
		t.Errorf("status --json is %s", out)
	}
	if status, out, errs := command(append([]string{"override", "delete", app}, both...)...); status != 0 || strings.Count(out, "has no override") != 2 {
		t.Errorf("override delete = %d, %s%s", status, out, errs)
	}
	if status, _, errs := command(append([]string{"override", "add", "www.example.com", "10.0.0.2"}, both...)...); status != 2 || !strings.Contains(errs, "refuses") {
		t.Errorf("override of a name that is not ours = %d, %s", status, errs)
	}
}

// One forwarder is killed in mid switch, and back later: the override stands at both in
// the end. One that stays away is said.
func TestSwitchForwarderDies(t *testing.T) {
	l := newPairLab(t, 6*time.Second, route53.Simple(app, "A", 2, "10.0.0.1"))
	l.forwarder("a")
	b := l.forwarder("b")
	both := l.pair("a", "b")
	cmd, output := programCommand(t, append(l.switchArgs(), both...)...)
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := readUntil(t, out, "accepted, change")
	b.Kill()
	<-b.Exited
	text += readUntil(t, out, "unreachable")
	l.forwarder("b")
	text += readUntil(t, out, "")
	if err := cmd.Wait(); err != nil {
		t.Errorf("failover switch: %v\n%s%s", err, text, output)
	}
	says(t, text, "override in force", "INSYNC", "the control channel answers again", "done")
	if _, out, _ := command(append([]string{"status", app, "--zone-id", "ZPRIVATE"}, both...)...); !strings.Contains(out, "they agree") {
		t.Errorf("status: %s", out)
	}
	d, _ := l.document(7, l.pair("a", "gone")...)
	says(t, said(d, d.Servers[1].Server), "unreachable", "no_answer")
}

// The old TTL is the record's, not the one that it gets: whoever watches for less is
// warned, and where the time is over first nobody claims that it went by.
func TestSwitchOldTTL(t *testing.T) {
	l := newPairLab(t, 0, route53.Simple(app, "A", 3600, "10.0.0.1"))
	l.forwarder("a")
	d, _ := l.document(0, append(l.pair("a"), "--timeout", "10s")...)
	says(t, strings.Join(d.Warnings, "\n"), "less than its TTL of 3600 s")
	says(t, d.Events[len(d.Events)-1].Text, "done: each server gave only the new address for ", "not yet for the old TTL of 3600 s", "INSYNC")
	says(t, said(d, d.Servers[0].Server), "override_stays")
}

// A signal before the change is accepted withdraws the lease; one after it says what
// goes on.
func TestSwitchSignal(t *testing.T) {
	l := newPairLab(t, time.Minute, route53.Simple(app, "A", 300, "10.0.0.1"))
	l.forwarder("a")
	one := l.pair("a")
	for _, tt := range []struct {
		fault route53.Fault
		until string
		want  []string
		list  string
	}{
		{route53.Fault{Action: "ChangeResourceRecordSets", Hang: true}, "as a lease", []string{"override withdrawn", "stopped by a signal", "whether the change was made is not known"}, "no override"},
		{route53.Fault{}, "override confirmed", []string{"is accepted and goes on by itself", "keep the override", "the override is still in force", "agreed for 600 s"}, "has 10.0.0.2"},
	} {
		l.api.Break()
		if tt.fault.Hang {
			l.api.Break(tt.fault)
		}
		cmd, output := programCommand(t, append(l.switchArgs(), one...)...)
		cmd.Stdout = nil
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		text := readUntil(t, out, tt.until)
		for deadline := time.Now().Add(time.Minute); len(l.api.Requests("ChangeResourceRecordSets")) == 0 && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		_ = cmd.Process.Signal(syscall.SIGINT)
		text += readUntil(t, out, "")
		_ = cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != 1 {
			t.Errorf("failover switch ended with %d", status)
		}
		says(t, text+output.String(), tt.want...)
		if _, got, errs := command(append([]string{"override", "list"}, one...)...); !strings.Contains(got, tt.list) || strings.Contains(got, "unless it is confirmed") {
			t.Errorf("override list: %s%s, want %q", got, errs, tt.list)
		}
	}
}
