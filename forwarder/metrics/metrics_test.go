package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"vpcdns/cache"
	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/watch"
)

// sample returns Stats with two of everything that there can be several of.
func sample() forwarder.Stats {
	var rtt upstream.Histogram
	for i := range rtt.Buckets {
		rtt.Buckets[i] = uint64(i + 1)
	}
	rtt.Sum = 90 * time.Second
	return forwarder.Stats{
		Queries: []forwarder.QueryCount{
			{Transport: "udp", Zone: "awslab.mycompany.corp.", Source: forwarder.SourceHit, Count: 1001},
			{Transport: "tcp", Zone: "", Source: forwarder.SourceRefused, Count: 1002},
		},
		Rcodes:  map[string]uint64{"NOERROR": 1003, "BADCOOKIE": 1004},
		Refused: 1005, Bad: 1006, Dropped: 1007, Limited: 1057, Slipped: 1058, Overflow: 1008, Pending: 1009,
		Served: 1059, Unserved: 1060, TCPOpen: 1010, TCPEvicted: 1011,
		Cache: cache.Stats{Entries: 1012, Bytes: 1013, MaxBytes: 1014, Evictions: 1015, Refused: 1016},
		UDP:   udp.Stats{Received: 1017, Sent: 1018, SendFailed: 1019, SendFull: 1020, Segmented: 1021, ReceiveFull: 1022, SegmentFailed: 1023},
		Upstream: upstream.Stats{
			Servers: []upstream.ServerStats{
				{
					Addr: netip.MustParseAddrPort("10.79.0.2:53"),
					Sent: 1024, Answered: 1025, Retried: 1026, TimedOut: 1027, Refused: 1028, Failed: 1029, Truncated: 1030,
					Connects: 1031, Mismatched: 1032, CookieMissing: 1033, Attacks: 1034, Down: true,
					SRTT: 1500 * time.Microsecond, RTO: 50 * time.Millisecond, RTT: rtt,
					Sources: []upstream.SourceStats{{Addr: netip.MustParseAddr("10.79.1.10"), Sent: 1086, Answered: 1087}, {Addr: netip.MustParseAddr("10.79.1.20"), Sent: 1088, Answered: 1089, LeftOut: true}},
				},
				{Addr: netip.MustParseAddrPort("[fd00:ec2::253]:53"), Sources: []upstream.SourceStats{{Addr: netip.MustParseAddr("fd00::11"), Sent: 1090, Answered: 1091}}},
			},
			Interfaces: []upstream.InterfaceStats{{PPS: 900, Sent: 1035}, {Interface: "ens6", PPS: 901, Sent: 1038}},
			Budgets:    []upstream.BudgetStats{{Interfaces: []string{""}, Queued: 1036, Depth: 1037, Refused: 1052}, {Interfaces: []string{"ens5", "ens6"}, Queued: 1039, Depth: 1040, Refused: 1053}},
			Requests:   1041, TimedOut: 1042, Refused: 1043, Dials: 1044, DialErrors: 1045, SendErrors: 1046,
			Pending: 1047, Sockets: 1048, Streams: 1049,
		},
		Throttle: forwarder.ThrottleStats{Active: true, Halvings: 1054, Exceeded: []host.Exceeded{
			{Interface: "eth0", Allowance: "linklocal", Packets: 1055},
			{Interface: "eth1", Allowance: "pps", Packets: 1056},
		}},
		Troubles: []forwarder.TroubleStats{
			{Kind: "outage", Subject: "10.79.0.2#53", Since: time.Unix(1_800_000_200, 0), Now: true, Queries: 1063, Failed: 1064, Clients: 1065},
			{Kind: "budget", Since: time.Unix(1_800_000_300, 0), Queries: 1066, Failed: 1067, Clients: 1068},
		},
		Failures: []forwarder.ZoneFailures{
			{Zone: "awslab.mycompany.corp.", Queries: 1069, Failed: 1070, Clients: 1071}, {Zone: ".", Queries: 1072, Failed: 1073, Clients: 1074},
		},
		Watch: forwarder.WatchStats{
			Stats:           watch.Stats{Names: 1075, Watched: 1076, Overrides: 1077, Guards: 1078, Verifies: 1079, Probes: 1080, CameBack: 1081, Changes: 1082, Refused: 1083},
			VerifyQuestions: 1084, ProbeQuestions: 1085,
		},
		Names: []watch.NameStats{
			{Name: "db.awslab.mycompany.corp", Type: "A", Given: "guard", Changed: time.Unix(1_800_000_500, 0), OverrideSet: time.Unix(1_800_000_501, 0),
				OverrideEnds: time.Unix(1_800_000_502, 0), VerifyBegan: time.Unix(1_800_000_503, 0), EarlierUntil: time.Unix(1_800_000_504, 0),
				CameBack: 1098, Changes: 1099, Refused: 1100, Probe: "on", Agrees: true, Verify: "done"},
			{Name: "db.awslab.mycompany.corp", Type: "AAAA", Given: "override", OverrideSet: time.Unix(1_800_000_505, 0)},
		},
		Dnstap:    forwarder.DnstapStats{On: true, Written: 1105, Dropped: 1106, Waiting: 1107, Opened: 1108, Failed: 1109},
		MoreNames: 1101, ZeroTTL: 1102, Repeated: 1103, Clients: 1104,
		Peers: []forwarder.PeerStats{{Server: netip.MustParseAddrPort("10.79.2.10:53"), Up: true, Last: time.Unix(1_800_000_500, 0), Sets: 2001, Compared: 2002, Disagreeing: 2003}},
		Members: forwarder.MemberStats{Asked: true, Known: 1090, Answered: 1091, Fetches: 1092, Failures: 1093, Last: time.Unix(1_800_000_400, 0),
			Overrides: 1094, Watches: 1095, Guards: 1096, Ended: 1097},
		Started:   time.Unix(1_800_000_000, 0),
		LostLines: []logging.Lost{{Channel: "bind", Lines: 1061}, {Channel: "default_syslog", Lines: 1062}},
		Reload:    forwarder.ReloadStats{At: time.Unix(1_800_000_100, 0), Succeeded: 1050, Failed: 1051},
	}
}

func collectorOf(st *forwarder.Stats) *Collector {
	return NewCollector(func() forwarder.Stats { return *st })
}

// exposition returns what Prometheus would read.
func exposition(t *testing.T, st *forwarder.Stats) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collectorOf(st))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape = %d %s, want 200", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestLint(t *testing.T) {
	for name, st := range map[string]forwarder.Stats{"nothing done": {}, "sample": sample()} {
		t.Run(name, func(t *testing.T) {
			r := prometheus.NewPedanticRegistry()
			r.MustRegister(collectorOf(&st))
			problems, err := testutil.GatherAndLint(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		})
	}
}

// A new field of Stats needs a metric.
func TestEveryFieldShows(t *testing.T) {
	st := sample()
	before := exposition(t, &st)
	n := 0
	for path, change := range fields("", reflect.ValueOf(&st).Elem()) {
		n++
		undo := change()
		shows := exposition(t, &st) != before
		undo()
		if !shows {
			t.Errorf("a change of Stats.%s does not show in the metrics", path)
		}
	}
	if after := exposition(t, &st); after != before {
		t.Error("the changes were not undone")
	}
	const least = 80 // the fields of sample, without those of its second server
	if n < least {
		t.Errorf("%d fields were changed, want %d or more", n, least)
	}
}

// fields yields every field below v that holds a value, with a function that
// changes it and returns another that undoes that.
func fields(path string, v reflect.Value) func(yield func(string, func() func()) bool) {
	return func(yield func(string, func() func()) bool) { walk(path, v, yield) }
}

func walk(path string, v reflect.Value, yield func(string, func() func()) bool) bool {
	set := func(to any) bool {
		return yield(path, func() func() {
			old := reflect.ValueOf(v.Interface())
			v.Set(reflect.ValueOf(to).Convert(v.Type()))
			return func() { v.Set(old) }
		})
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return set(x.Add(time.Hour))
	case netip.Addr:
		return set(x.Next())
	case netip.AddrPort:
		return set(netip.AddrPortFrom(x.Addr().Next(), x.Port()))
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !walk(strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i), yield) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Len() == 0 {
			panic("sample has no " + path)
		}
		for i := range v.Len() {
			if !walk(path, v.Index(i), yield) {
				return false
			}
		}
	case reflect.Map:
		return walkMap(path, v, yield)
	case reflect.Bool:
		return set(!v.Bool())
	case reflect.String:
		return set(v.String() + "x")
	case reflect.Uint8:
		return set(v.Uint() ^ 1) // an enumeration: its neighbour
	case reflect.Int, reflect.Int64:
		return set(v.Int() + 1<<20)
	case reflect.Uint64:
		return set(v.Uint() + 1<<20)
	default:
		panic("no way to change " + path)
	}
	return true
}

// walkMap changes the values of a map of counters.
func walkMap(path string, v reflect.Value, yield func(string, func() func()) bool) bool {
	if v.Len() == 0 {
		panic("sample has no " + path)
	}
	for _, key := range v.MapKeys() {
		old := v.MapIndex(key)
		ok := yield(path, func() func() {
			v.SetMapIndex(key, reflect.ValueOf(old.Uint()+1))
			return func() { v.SetMapIndex(key, old) }
		})
		if !ok {
			return false
		}
	}
	return true
}

func TestValues(t *testing.T) {
	tests := []struct {
		name, metric, want string
		stats              func(*forwarder.Stats)
	}{
		{
			name: "RTT buckets add up", metric: "forwarder_upstream_rtt_seconds",
			want: `
# HELP forwarder_upstream_rtt_seconds Time from a query to the server until its answer, over UDP, or over TCP if the server is asked over nothing else.
# TYPE forwarder_upstream_rtt_seconds histogram
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.0005"} 1
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.001"} 3
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.002"} 6
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.005"} 10
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.01"} 15
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.02"} 21
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.05"} 28
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.1"} 36
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.2"} 45
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.5"} 55
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="0.8"} 66
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="1"} 78
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="1.6"} 91
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="2"} 105
forwarder_upstream_rtt_seconds_bucket{server="10.79.0.2:53",le="+Inf"} 120
forwarder_upstream_rtt_seconds_sum{server="10.79.0.2:53"} 90
forwarder_upstream_rtt_seconds_count{server="10.79.0.2:53"} 120
`,
			stats: func(st *forwarder.Stats) { st.Upstream.Servers = st.Upstream.Servers[:1] },
		},
		{
			name: "durations are seconds", metric: "forwarder_upstream_smoothed_rtt_seconds",
			want: `
# HELP forwarder_upstream_smoothed_rtt_seconds Smoothed round trip time to the server, by which servers are chosen; 0 is unknown.
# TYPE forwarder_upstream_smoothed_rtt_seconds gauge
forwarder_upstream_smoothed_rtt_seconds{server="10.79.0.2:53"} 0.0015
forwarder_upstream_smoothed_rtt_seconds{server="[fd00:ec2::253]:53"} 0
`,
		},
		{
			name: "down", metric: "forwarder_upstream_down",
			want: `
# HELP forwarder_upstream_down 1 while the server answers nothing, else 0.
# TYPE forwarder_upstream_down gauge
forwarder_upstream_down{server="10.79.0.2:53"} 1
forwarder_upstream_down{server="[fd00:ec2::253]:53"} 0
`,
		},
		{
			name: "usual rcodes are there at 0", metric: "forwarder_responses_total",
			want: `
# HELP forwarder_responses_total Replies to clients by response code.
# TYPE forwarder_responses_total counter
forwarder_responses_total{rcode="BADCOOKIE"} 1004
forwarder_responses_total{rcode="FORMERR"} 0
forwarder_responses_total{rcode="NOERROR"} 1003
forwarder_responses_total{rcode="NOTIMP"} 0
forwarder_responses_total{rcode="NXDOMAIN"} 0
forwarder_responses_total{rcode="REFUSED"} 0
forwarder_responses_total{rcode="SERVFAIL"} 0
`,
		},
		{
			name: "budgets by interface", metric: "forwarder_upstream_budget_packets_per_second",
			want: `
# HELP forwarder_upstream_budget_packets_per_second Most packets a second to upstream now (--upstream-pps, or less while forwarder_upstream_throttled), by interface; 0 is no limit.
# TYPE forwarder_upstream_budget_packets_per_second gauge
forwarder_upstream_budget_packets_per_second{interface=""} 900
forwarder_upstream_budget_packets_per_second{interface="ens6"} 901
`,
		},
		{
			name: "probes", metric: "forwarder_watched_name_probe",
			want: `
# HELP forwarder_watched_name_probe 1 while a probe past all caches shows what the name has, 0 while its wildcard is left aside; only of names that have one.
# TYPE forwarder_watched_name_probe gauge
forwarder_watched_name_probe{name="aside.corp",type="A"} 0
forwarder_watched_name_probe{name="db.awslab.mycompany.corp",type="A"} 1
`,
			stats: func(st *forwarder.Stats) {
				st.Names = append(st.Names, watch.NameStats{Name: "aside.corp", Type: "A", Probe: "aside"})
			},
		},
		{
			name: "reloaded", metric: "forwarder_config_last_reload_success_timestamp_seconds",
			want: `
# HELP forwarder_config_last_reload_success_timestamp_seconds When the configuration in force was loaded, in Unix time.
# TYPE forwarder_config_last_reload_success_timestamp_seconds gauge
forwarder_config_last_reload_success_timestamp_seconds 1.8000001e+09
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := sample()
			if test.stats != nil {
				test.stats(&st)
			}
			if err := testutil.CollectAndCompare(collectorOf(&st), strings.NewReader(test.want), test.metric); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	tests := []struct {
		name    string
		queries []forwarder.QueryCount
		want    map[string]string // value by labels
		series  int
	}{
		{"none yet", nil, map[string]string{
			`source="stale",transport="udp",zone="other"`: "0",
		}, 16},
		{"one zone", []forwarder.QueryCount{{Transport: "udp", Zone: "corp.", Source: forwarder.SourceHit, Count: 7}}, map[string]string{
			`source="hit",transport="udp",zone="corp."`:   "7",
			`source="stale",transport="tcp",zone="corp."`: "0",
		}, 32},
		{"no zone", []forwarder.QueryCount{{Transport: "tcp", Source: forwarder.SourceLocal, Count: 7}}, map[string]string{
			`source="local",transport="tcp",zone="other"`: "7",
		}, 16},
		{"two zones without a name", []forwarder.QueryCount{
			{Transport: "udp", Source: forwarder.SourceHit, Count: 7},
			{Transport: "udp", Source: forwarder.SourceHit, Count: 5},
		}, map[string]string{
			`source="hit",transport="udp",zone="other"`: "12",
		}, 16},
		{"names that are not UTF-8", []forwarder.QueryCount{
			{Transport: "udp", Zone: "caf\xe9.", Source: forwarder.SourceMiss, Count: 7},
			{Transport: "udp", Zone: "caf\xe8.", Source: forwarder.SourceMiss, Count: 5},
		}, map[string]string{
			`source="miss",transport="udp",zone="caf` + "\uFFFD" + `."`: "12",
		}, 32},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := forwarder.Stats{Queries: test.queries}
			text := exposition(t, &st)
			for labels, value := range test.want {
				if line := "\nforwarder_queries_total{" + labels + "} " + value + "\n"; !strings.Contains(text, line) {
					t.Errorf("metrics lack %q:\n%s", line, text)
				}
			}
			if got := strings.Count(text, "\nforwarder_queries_total{"); got != test.series {
				t.Errorf("series = %d, want %d", got, test.series)
			}
		})
	}
}

// Replies are counted by zone and response code over all transports.
func TestZoneResponses(t *testing.T) {
	st := forwarder.Stats{Queries: []forwarder.QueryCount{
		{Transport: "udp", Zone: "corp.", Source: forwarder.SourceMiss, Rcode: forwarder.RcodeServFail, Count: 7},
		{Transport: "tcp", Zone: "corp.", Source: forwarder.SourceFailed, Rcode: forwarder.RcodeServFail, Count: 5},
		{Transport: "udp", Source: forwarder.SourceLocal, Rcode: forwarder.RcodeOther, Count: 3},
	}}
	text := exposition(t, &st)
	for labels, value := range map[string]string{
		`rcode="SERVFAIL",zone="corp."`: "12",
		`rcode="NOERROR",zone="corp."`:  "0",
		`rcode="other",zone="other"`:    "3",
	} {
		if line := "\nforwarder_zone_responses_total{" + labels + "} " + value + "\n"; !strings.Contains(text, line) {
			t.Errorf("metrics lack %q:\n%s", line, text)
		}
	}
	if got := strings.Count(text, "\nforwarder_zone_responses_total{"); got != 10 {
		t.Errorf("series = %d, want 10", got)
	}
}

// BenchmarkScrape is a scrape with as many zones as are counted apart, each with
// replies of every kind.
func BenchmarkScrape(b *testing.B) {
	st := sample()
	for i := range 256 {
		for _, transport := range []string{"udp", "tcp"} {
			for s := range forwarder.NumSources {
				for c := range forwarder.NumRcodeClasses {
					st.Queries = append(st.Queries, forwarder.QueryCount{Transport: transport, Zone: fmt.Sprintf("zone%d.corp.", i), Source: s, Rcode: c, Count: 1})
				}
			}
		}
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectorOf(&st))
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		b.SetBytes(int64(w.Body.Len()))
	}
}

// What cannot be shown must not hide the rest.
func TestBadLabelIsAnError(t *testing.T) {
	st := forwarder.Stats{Rcodes: map[string]uint64{"\xff": 1}}
	r := prometheus.NewRegistry()
	r.MustRegister(collectorOf(&st))
	families, err := r.Gather()
	if err == nil || len(families) < 10 {
		t.Errorf("Gather = %d families, %v; want the good ones and an error", len(families), err)
	}
}
