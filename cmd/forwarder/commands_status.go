package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vpcdns/forwarder/version"
)

// statusCommands are those about the server as a whole.
func statusCommands() []command {
	return []command{
		{name: "status", summary: "Show how the server is, as BIND does", readOnly: true, run: showStatus},
		{name: "summary", summary: "Show how the server is on one screen, as forwarder status does", readOnly: true, run: showSummary},
	}
}

// showStatus has the lines of BIND 9.18: programs read them.
func showStatus(_ context.Context, d *daemon, _ []string) (string, error) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	s, st := d.server.Config(), d.stats()
	zones, automatic := d.countZones()
	line("version: forwarder %s <id:%s>", version.Number, version.Revision())
	line("running on %s", runningOn())
	line("boot time: %s", httpTime(st.Started))
	line("last configured: %s", httpTime(st.Reload.At))
	line("configuration file: %s", d.flags.config)
	line("CPUs found: %d", runtime.NumCPU())
	line("worker threads: %d", runtime.GOMAXPROCS(0))
	line("UDP listeners per interface: %d", d.server.Workers())
	line("number of zones: %d (%d automatic)", zones, automatic)
	line("debug level: %d", d.logs.Debug())
	line("xfers running: 0\nxfers deferred: 0\nsoa queries in progress: 0")
	line("query logging is %s", onOff(d.server.QueryLog()))
	line("response logging is %s", onOff(d.server.ResponseLog())) // of BIND 9.20
	line("recursive clients: %d/%d/%d", d.server.Waiting(), softQuota(s.Limits.RecursiveClients), s.Limits.RecursiveClients)
	line("tcp clients: %d/%d", st.TCPOpen, s.TCP.Clients)
	line("TCP high-water: %d", d.server.TCPPeak())
	b.WriteString("server is up and running")
	return b.String(), nil
}

// countZones counts all zones, forwarded ones too, and those that named would have
// made by itself.
func (d *daemon) countZones() (all, automatic int) {
	c := d.server.Config()
	for _, z := range c.Local {
		if z.Empty {
			automatic++
		}
	}
	return len(c.Zones) + len(c.Local), automatic
}

// softQuota is from how many recursive clients on BIND gives up the oldest, by
// its rule.
func softQuota(most int) int {
	if most > 1000 {
		return most - 100
	}
	return most * 90 / 100
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// runningOn is the host and its system.
func runningOn() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return runtime.GOOS + " " + runtime.GOARCH
	}
	return fmt.Sprintf("%s: %s %s %s %s", cString(u.Nodename[:]), cString(u.Sysname[:]),
		cString(u.Machine[:]), cString(u.Release[:]), cString(u.Version[:]))
}

func cString(b []byte) string { return unix.ByteSliceToString(b) }
