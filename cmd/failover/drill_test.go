package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/failover/timeline"
)

// authority serves the zone as an authoritative server, and returns its address.
func authority(t *testing.T, s *route53.Server) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := s.Authority("vpc-1").Lookup(0, q.Question[0].Name, q.Question[0].Qtype, 0)
		reply.SetReply(q)
		_ = w.WriteMsg(reply)
	})}
	done := make(chan error)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-done
	})
	return conn.LocalAddr().String()
}

// There and back: each way is seen at a server, and kept. Nothing is quick enough for
// this limit.
func TestDrill(t *testing.T) {
	s := account(t, route53.Options{}, route53.Simple(app, "A", 1, "192.0.2.1"))
	dir := filepath.Join(t.TempDir(), "drills")
	args := []string{"drill", "--name", app, "--ttl", "1", "--address", "192.0.2.2", "--back", "192.0.2.1", "--verify", authority(t, s)}
	status, out, errOut := command(append(args, "--directory", dir, "--limit", "1ns")...)
	if status != 5 || !strings.Contains(errOut, "more than the limit of 1ns") || strings.Count(out, " s at 1 servers, came back 0 times, INSYNC after") != 2 {
		t.Errorf("failover drill = %d, %q, %q", status, out, errOut)
	}
	holds(t, s, app, "192.0.2.1")
	if n := len(s.Requests("ChangeResourceRecordSets")); n != 2 {
		t.Errorf("%d changes were sent, want 2", n)
	}
	files, _ := filepath.Glob(filepath.Join(dir, app+"-*Z-*"))
	var ends []string
	for _, path := range files {
		_, end, _ := strings.Cut(filepath.Base(path), "Z-")
		ends = append(ends, end)
	}
	if got := strings.Join(ends, " "); got != "back.json back.svg there.json there.svg" {
		t.Errorf("the drill left %q", got)
	}
	succeeds(t, "and would get 192.0.2.2", append(args, "--dry-run")...)
	fails(t, 2, "it is no canary", "drill", "--name", app, "--address", "192.0.2.2", "--back", "192.0.2.3", "--directory", dir)
	holds(t, s, app, "192.0.2.1")
}

func TestDrillUsage(t *testing.T) {
	account(t, route53.Options{})
	both := []string{"drill", "--name", app, "--address", "192.0.2.2", "--back", "192.0.2.1"}
	fails(t, 1, "--name is missing", "drill")
	fails(t, 1, "are wanted", "drill", "--name", app, "--address", "192.0.2.2")
	fails(t, 1, "two addresses", "drill", "--name", app, "--address", "192.0.2.2", "--back", "192.0.2.2")
	fails(t, 1, "--directory", both...)
	fails(t, 1, "file's name", "drill", "--name", "../../etc/app", "--address", "192.0.2.2", "--back", "192.0.2.1")
	fails(t, 1, "more than 0", append(both, "--directory", ".", "--keep", "0")...)
}

func TestDrillFigures(t *testing.T) {
	start := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	at := func(ms int) timeline.Stamp { return timeline.Stamp(start.Add(time.Duration(ms) * time.Millisecond)) }
	doc := timeline.Document{Started: at(0), InSync: at(38000), Ended: at(50000), Servers: []timeline.DocumentLane{
		{Server: "10.79.0.10#53", FirstNew: at(120)}, {Server: "10.79.1.10#53", FirstNew: at(310), CameBack: 2},
	}}
	for _, tt := range []struct {
		name  string
		prune func(*timeline.Document)
		want  string
		slow  bool
	}{
		{"both", func(*timeline.Document) {}, "0.310 s at 2 servers, came back 2 times, INSYNC after 38.0 s", false},
		{"one never", func(d *timeline.Document) { d.Servers[0].FirstNew = timeline.Stamp{} }, "50.000 s at 2 servers, came back 2 times, INSYNC after 38.0 s", true},
		{"none", func(d *timeline.Document) { d.Servers = nil }, "no server was observed (--forwarder, --verify), INSYNC after 38.0 s", false},
	} {
		one := doc
		one.Servers = append([]timeline.DocumentLane{}, doc.Servers...)
		tt.prune(&one)
		f := figuresOf(one)
		if got := f.String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err := (&drill{limit: 500 * time.Millisecond}).slow("there", f); (exitStatus(err) == 5) != tt.slow {
			t.Errorf("%s: %v, want slow %v", tt.name, err, tt.slow)
		}
	}
}

// The oldest drills of this name go, whatever of them is left.
func TestDrillPrunes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"canary.example-20261127T060000Z-there.json", "canary.example-20261127T060000Z-there.svg", "canary.example-20261127T060000Z-back.json",
		"canary.example-20261128T060000Z-there.json", "canary.example-20261129T060000Z-there.json", "other.example-20261101T060000Z-there.json", "notes",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := &drill{directory: dir, keep: 2}
	d.sw.zone.Record = "canary.example."
	if err := d.prune(); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 4 || filepath.Base(left[0]) != "canary.example-20261128T060000Z-there.json" {
		t.Errorf("left are %q", left)
	}
}
