package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/version"
	"vpcdns/forwarder/watch"
)

// longOverview has everything, long names, and IPv6.
func longOverview() overview {
	now := time.Date(2026, 11, 29, 12, 30, 0, 0, time.Local)
	six := netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:1234:5678]:53")
	return overview{
		now: now, started: now.Add(-76 * time.Hour), pid: 1234,
		served: []netip.AddrPort{netip.MustParseAddrPort("10.79.1.10:53"), six, netip.MustParseAddrPort("[fe80::1234:5678:9abc:def0%eth0]:53")},
		upstreams: []forwarder.UpstreamState{
			{Addr: netip.MustParseAddrPort("10.79.0.2:53"), For: 75 * time.Hour, SRTT: 512 * time.Microsecond},
			{Addr: six, State: 2, For: 27 * time.Minute},
		},
		budgets: []forwarder.BudgetState{{PPS: 900, Sent: 12}, {Interface: "eth1", PPS: 450, Waiting: 7}},
		rates: [3]forwarder.Rate{{Span: time.Second, Replies: 120}, {Span: 10 * time.Second, Replies: 1184},
			{Span: time.Minute, Replies: 7020, Hits: 6900, Cacheable: 7000}},
		failures: []forwarder.ZoneFailures{
			{Zone: "awslab.mycompany.corp.", Queries: 76, Failed: 57},
			{Zone: strings.Repeat("a-label-of-some-length.", 9), Queries: 3, Failed: 1},
		},
		troubles: []forwarder.Trouble{
			{TroubleStats: forwarder.TroubleStats{Since: now.Add(-27 * time.Minute), Now: true, Queries: 9, Failed: 3, Clients: 2},
				Text: "upstream 2001:db8:1234:5678:9abc:def0:1234:5678#53 does not answer"},
			{TroubleStats: forwarder.TroubleStats{Since: now.Add(-27 * time.Hour)}, Text: "10.79.1.11#53 is lost: no interface has this address any more"},
		},
		reload: reloadResult{at: now.Add(-time.Hour), said: "failed: the configuration has errors"},
		watch: watchOverview{
			names: []string{"app.awslab.mycompany.corp", "*.lab.mycompany.corp", "db.awslab.mycompany.corp", "web.awslab.mycompany.corp", "x.test", "y.test"},
			stats: watch.Stats{Guards: 1, Verifies: 2},
			overrides: []watch.OverrideStatus{
				{Name: "app.awslab.mycompany.corp", Type: "A", Data: []string{"10.79.2.5"}, By: "key 'rndc-key' at 10.79.1.9#40000",
					Set: now.Add(-time.Minute), Expires: now.Add(23*time.Hour + 59*time.Minute), Upstream: []string{"10.79.1.5"}},
				{Name: "db.awslab.mycompany.corp", Type: "AAAA", Data: []string{"2001:db8::1", "2001:db8::2"}, By: "key 'rndc-key' at ::1#40000",
					Set: now.Add(-26 * time.Hour), Expires: now.Add(time.Minute), Upstream: []string{"2001:db8::2", "2001:db8::1"}},
			},
			changes: []watch.Change{
				{Name: "left.out.test", Type: "A", Source: watch.Probe},
				{Name: "db.awslab.mycompany.corp", Type: "A", Old: []string{"10.79.1.7"}, Source: watch.Upstream, At: now.Add(-30 * time.Hour)},
				{Name: "web.awslab.mycompany.corp", Type: "A", New: []string{"10.79.1.7"}, Source: watch.Probe, At: now.Add(-2 * time.Minute)},
				{Name: "app.awslab.mycompany.corp", Type: "A", Old: []string{"10.79.1.5"}, New: []string{"10.79.2.5"}, Source: watch.Operator, At: now.Add(-time.Minute)},
			},
		},
	}
}

func TestScreen(t *testing.T) {
	o := longOverview()
	want := `forwarder   ` + version.Number + `, pid 1234, up 3d 4h
serving     10.79.1.10#53, 2001:db8:1234:5678:9abc:def0:1234:5678#53,
            fe80::1234:5678:9abc:def0%eth0#53
upstream    10.79.0.2#53 up since 2026-11-26 09:30:00, RTT 0.5 ms
            2001:db8:1234:5678:9abc:def0:1234:5678#53 down since 12:03:00, RTT
            unknown
queries     120/s in the last second, 118.4/s in 10 s, 117/s in a minute
hits        98.6 % in the last minute
budget      12 of 900 packets to upstream in the last second, 0 questions wait
            eth1: 0 of 450 packets to upstream in the last second, 7 questions
            wait
failed      57 of 76 queries of awslab.mycompany.corp in the last minute
            1 of 3 queries of
            a-label-of-some-length.a-label-of-some-length.a-label-of-some-length
            .a-label-of-some-length.a-label-of-some-length.a-label-of-some-lengt
            h.a-label-of-some-length.a-label-of-some-length.a-label-of-some-leng
            th in the last minute
watching    app.awslab.mycompany.corp, *.lab.mycompany.corp,
            db.awslab.mycompany.corp, web.awslab.mycompany.corp and 2 more; 1
            guard against old answers; 2 verifications
override    app.awslab.mycompany.corp A: 10.79.2.5 since 12:29:00, by key
            'rndc-key' at 10.79.1.9#40000; upstream says 10.79.1.5; ends at
            2026-11-30 12:29:00
            db.awslab.mycompany.corp AAAA: 2001:db8::1, 2001:db8::2 since
            2026-11-28 10:30:00, by key 'rndc-key' at ::1#40000; upstream
            agrees; ends at 12:31:00
changed     12:29:00 app.awslab.mycompany.corp A: 10.79.2.5, before 10.79.1.5
            (override)
            12:28:00 web.awslab.mycompany.corp A: 10.79.1.7, before no data
            (probe)
            2026-11-28 06:30:00 db.awslab.mycompany.corp A: no data, before
            10.79.1.7 (upstream)
reload      11:30:00: failed: the configuration has errors
trouble     upstream 2001:db8:1234:5678:9abc:def0:1234:5678#53 does not answer,
            since 12:03:00; 3 of 9 queries failed (clients: about 2)
            10.79.1.11#53 is lost: no interface has this address any more, since
            2026-11-28 09:30:00; it comes and goes, and is gone now`
	got := o.screen()
	if got != want {
		t.Errorf("screen() =\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if len(strings.TrimSuffix(line, "\n")) > width {
			t.Errorf("%q is longer than %d columns", line, width)
		}
	}
	both := overview{now: o.now, started: o.now, reload: reloadResult{ok: true}, budgets: []forwarder.BudgetState{{Interface: "ens5+ens6", PPS: 1800, Sent: 1000, Waiting: 3,
		Interfaces: []forwarder.InterfaceState{{Interface: "ens5", PPS: 900, Sent: 499}, {Interface: "ens6", PPS: 900, Sent: 501}}}}}
	if got, want := both.screen(), `
budget      ens5+ens6: 1000 of 1800 packets to upstream in the last second, 3
            questions wait
            by ens5: 499 of 900 packets
            by ens6: 501 of 900 packets
`; !strings.Contains(got, want) {
		t.Errorf("screen() with two interfaces =\n%s\nwant\n%s", got, want)
	}
	well := overview{now: o.now, started: o.now, reload: reloadResult{ok: true}, budgets: []forwarder.BudgetState{{PPS: 900}, {Interface: "eth1", PPS: 900}}}
	if got := well.screen(); !strings.HasSuffix(got, "\nreload      none since the start\ntrouble     none") ||
		strings.Contains(got, "0 of 900 packets to upstream in the last second, 0 questions wait\n            eth1") || !strings.Contains(got, "\nserving     no address\n") {
		t.Errorf("screen() without troubles =\n%s", got)
	}
}

func TestStatusLine(t *testing.T) {
	o := longOverview()
	want := "serving 10.79.1.10#53 and 2 more; 2 overrides in force: app.awslab.mycompany.corp, db.awslab.mycompany.corp; upstream 2001:db8:1234:5678:9abc:def0:1234:5678#53 does not answer since 12:03:00; " +
		"10.79.1.11#53 is lost: no interface has this address any more since 2026-11-28 09:30:00; " +
		"57 of 76 queries of awslab.mycompany.corp failed in the last minute; 2 more, see forwarder status"
	if got := o.line(); got != want {
		t.Errorf("line() = %q, want %q", got, want)
	}
	well := overview{served: o.served[:1], reload: reloadResult{ok: true}}
	if got, want := well.line(), "serving 10.79.1.10#53"; got != want {
		t.Errorf("line() = %q, want %q", got, want)
	}
}
