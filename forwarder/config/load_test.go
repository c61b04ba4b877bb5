package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
)

func TestReferenceConfig(t *testing.T) {
	cfg, report, err := Load("../../testdata/named.conf/good-reference.conf")
	for _, f := range report.Findings {
		if !strings.Contains(f.Message, "does not exist") && apartFromRoots(f.String()) != "" {
			t.Errorf("finding %v", f)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	vpc := addrPorts("10.79.0.2:53")
	want := []ForwardZone{{".", vpc}, {"us-east-1.compute.internal.", vpc}, {"awslab.mycompany.corp.", vpc}}
	if !reflect.DeepEqual(cfg.Zones, want) {
		t.Errorf("Zones = %v, want %v", cfg.Zones, want)
	}
	const good = "{ { 10.0.0.0/8; localhost; localnets; }; }"
	for name, l := range map[string]acl.List{"AllowQuery": cfg.AllowQuery, "AllowCache": cfg.AllowCache, "AllowRecurse": cfg.AllowRecurse} {
		if l.String() != good {
			t.Errorf("%s = %v, want %v", name, l, good)
		}
	}
	if cfg.Directory != "/var/named" || *cfg.Identity.Version != "not currently available" || cfg.Identity.Authors {
		t.Errorf("Directory, Identity = %q, %+v", cfg.Directory, cfg.Identity)
	}
	if len(cfg.Local) != 0 {
		t.Errorf("%d empty zones below forward only, want 0", len(cfg.Local))
	}
	wantLog := logging.Config{
		Channels: []logging.Channel{{
			Name: "simple_log", Kind: logging.File, Path: "/var/log/named/bind.log", Versions: 3, Size: 5 << 20,
			Severity: logging.Warning, PrintTime: logging.Local, PrintSeverity: true, PrintCategory: true,
		}},
		Categories: map[string][]string{"default": {"simple_log"}, "client": {"simple_log"}},
	}
	if !reflect.DeepEqual(cfg.Logging, wantLog) {
		t.Errorf("Logging = %+v, want %+v", cfg.Logging, wantLog)
	}
}

// TestStockFiles loads what Amazon Linux installs, with its includes and zone
// files, as if it were in the root directory.
func TestStockFiles(t *testing.T) {
	for _, release := range []string{"amazon-linux-2", "amazon-linux-2023"} {
		t.Run(release, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range []string{release, "amazon-linux"} {
				if err := os.CopyFS(root, os.DirFS("../../testdata/named.conf/"+dir)); err != nil {
					t.Fatal(err)
				}
			}
			moveRoot(t, root)
			cfg, _, err := Load(filepath.Join(root, "etc/named.conf"))
			if err != nil {
				t.Fatal(err)
			}
			var zones []string
			for _, z := range cfg.Local {
				if !z.Empty {
					zones = append(zones, z.Name)
				}
			}
			want := []string{
				"localhost.localdomain.", "localhost.", "1." + strings.Repeat("0.", 31) + "ip6.arpa.",
				"1.0.0.127.in-addr.arpa.", "0.in-addr.arpa.",
			}
			if !slices.Equal(zones, want) {
				t.Errorf("primary zones = %v, want %v", zones, want)
			}
			if got := cfg.AllowRecurse.String(); got != "{ localhost; }" {
				t.Errorf("AllowRecurse = %v, want { localhost; }", got)
			}
		})
	}
}

// moveRoot puts the paths of all files below root under it.
func moveRoot(t *testing.T, root string) {
	absolute := regexp.MustCompile(`"(/(?:etc|var|usr)/)`)
	files, err := filepath.Glob(filepath.Join(root, "etc/named.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text = absolute.ReplaceAll(text, []byte(`"`+root+`$1`))
		if err := os.WriteFile(f, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAccessInherits(t *testing.T) {
	const near = "{ localnets; localhost; }"
	for _, c := range []struct{ name, conf, query, cache, recurse string }{
		{name: "nothing", query: "{ any; }", cache: near, recurse: near},
		{name: "query", conf: "allow-query { 10/8; };", query: "{ 10.0.0.0/8; }", cache: "{ 10.0.0.0/8; }", recurse: "{ 10.0.0.0/8; }"},
		{name: "recursion", conf: "allow-recursion { 10/8; };", query: "{ any; }", cache: "{ 10.0.0.0/8; }", recurse: "{ 10.0.0.0/8; }"},
		{name: "cache", conf: "allow-query-cache { 10/8; };", query: "{ any; }", cache: "{ 10.0.0.0/8; }", recurse: "{ 10.0.0.0/8; }"},
		{name: "query and recursion", conf: "allow-query { 10/8; }; allow-recursion { none; };", query: "{ 10.0.0.0/8; }", cache: "{ none; }", recurse: "{ none; }"},
		{name: "query and cache", conf: "allow-query { 10/8; }; allow-query-cache { any; };", query: "{ 10.0.0.0/8; }", cache: "{ any; }", recurse: "{ any; }"},
		{name: "all", conf: "allow-query { 10/8; }; allow-query-cache { any; }; allow-recursion { none; };", query: "{ 10.0.0.0/8; }", cache: "{ any; }", recurse: "{ none; }"},
		{name: "empty list", conf: "allow-query { };", query: "{ }", cache: "{ }", recurse: "{ }"},
		{name: "recursion no", conf: "recursion no; allow-query { 10/8; };", query: "{ 10.0.0.0/8; }", cache: "{ none; }", recurse: "{ none; }"},
		{name: "recursion no, cache", conf: "recursion no; allow-query-cache { any; };", query: "{ any; }", cache: "{ any; }", recurse: "{ none; }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := load(t, opts(c.conf))
			got := [3]string{cfg.AllowQuery.String(), cfg.AllowCache.String(), cfg.AllowRecurse.String()}
			if want := [3]string{c.query, c.cache, c.recurse}; got != want {
				t.Errorf("query, cache, recurse of %q = %v, want %v", c.conf, got, want)
			}
		})
	}
}

// TestOptions checks what single options make of the Config.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		conf string
		want func(*Config) // applied to the Config of an empty file
	}{
		{opts(""), func(*Config) {}},
		{opts("port 5353;"), func(c *Config) { c.Listen[0].Port, c.Listen[1].Port = 5353, 5353 }},
		{opts("listen-on port 0x35 { 10/8; };"), func(c *Config) {
			c.Listen = []Listen{{53, false, acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}}, {53, true, acl.All()}}
		}},
		{opts("listen-on-v6 { none; }; listen-on { any; }; listen-on port 54 { any; };"), func(c *Config) {
			c.Listen = []Listen{{53, false, acl.All()}, {54, false, acl.All()}, {53, true, acl.None()}}
		}},
		{opts("query-source address 192.0.2.1 port 5000; query-source-v6 2001:db8::1;"), func(c *Config) {
			c.Sources = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
		}},
		{opts("query-source *;"), func(*Config) {}},
		{opts("blackhole { 192.0.2.1; };"), func(c *Config) {
			c.Blackhole = acl.List{{Prefix: netip.MustParsePrefix("192.0.2.1/32")}}
		}},
		{opts("max-cache-ttl 1h; min-cache-ttl PT30S; max-ncache-ttl 10; min-ncache-ttl 1; servfail-ttl 99;"), func(c *Config) {
			c.Cache.MaxTTL, c.Cache.MinTTL, c.Cache.MaxNTTL = time.Hour, 30*time.Second, 10*time.Second
			c.Cache.MinNTTL, c.Cache.ServfailTTL = time.Second, 30*time.Second
		}},
		{opts("max-cache-size 10m;"), func(c *Config) { c.Cache.MaxSize = 10 << 20 }},
		{opts("max-cache-size 100;"), func(c *Config) { c.Cache.MaxSize = 2 << 20 }},
		{opts("max-cache-size 0;"), func(c *Config) { c.Cache.MaxSize = int64(host.CacheRoom(host.Memory())) }},
		{opts("max-cache-size Unlimited;"), func(c *Config) { c.Cache.MaxSize = int64(host.CacheRoom(host.Memory())) }},
		{opts("max-cache-size default;"), func(*Config) {}},
		{opts("max-cache-size 90%;"), func(*Config) {}},
		{opts("prefetch 20;"), func(c *Config) { c.Cache.PrefetchTrigger, c.Cache.PrefetchEligible = 10*time.Second, 16*time.Second }},
		{opts("prefetch 3 4;"), func(c *Config) { c.Cache.PrefetchTrigger = 3 * time.Second }},
		{opts("prefetch 0;"), func(c *Config) { c.Cache.PrefetchTrigger = 0 }},
		{opts("stale-cache-enable yes; stale-answer-enable 1; stale-answer-ttl 5; max-stale-ttl 1d; stale-refresh-time 0;"), func(c *Config) {
			c.Cache.StaleEnable, c.Cache.StaleAnswer = true, true
			c.Cache.StaleAnswerTTL, c.Cache.StaleRefresh = 5*time.Second, 0
		}},
		{opts("stale-answer-client-timeout 1800;"), func(c *Config) { c.Cache.StaleClientTimeout = 1800 * time.Millisecond }},
		{opts("stale-answer-client-timeout 0;"), func(c *Config) { c.Cache.StaleClientTimeout = 100 * time.Millisecond }},
		{opts("stale-answer-client-timeout off;"), func(*Config) {}},
		{opts("edns-udp-size 100; max-udp-size 65535; nocookie-udp-size 1;"), func(c *Config) {
			c.EDNS.UDPSize, c.EDNS.MaxUDPSize, c.EDNS.NoCookieUDPSize = 512, 4096, 128
		}},
		{opts("max-udp-size 512;"), func(c *Config) { c.EDNS.MaxUDPSize, c.EDNS.NoCookieUDPSize = 512, 512 }},
		{opts(`send-cookie no; answer-cookie no; require-server-cookie yes; cookie-secret "000102030405060708090a0b0c0d0e0f";`), func(c *Config) {
			c.EDNS.SendCookie, c.EDNS.AnswerCookie, c.EDNS.RequireServerCookie = false, false, true
			c.EDNS.CookieSecrets = [][16]byte{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}
		}},
		{opts("tcp-clients 010; tcp-listen-queue 20; tcp-initial-timeout 1; tcp-idle-timeout 100; tcp-keepalive-timeout 600; tcp-advertised-timeout 0;"), func(c *Config) {
			c.TCP = TCP{
				Clients: 8, Backlog: 20, InitialTimeout: 2500 * time.Millisecond,
				IdleTimeout: 10 * time.Second, KeepaliveTimeout: time.Minute,
			}
		}},
		{opts("tcp-listen-queue 3;"), func(c *Config) { c.TCP.Backlog = 10 }},
		{opts("tcp-listen-queue 0;"), func(*Config) {}},
		{opts("version none; hostname none;"), func(c *Config) { c.Identity = local.Identity{} }},
		{opts(`version "x"; server-id hostname;`), func(c *Config) {
			x := "x"
			c.Identity = local.Identity{Version: &x, Hostname: c.Identity.Hostname, ServerID: c.Identity.Hostname}
		}},
		{opts("recursive-clients 5000; clients-per-query 0; max-clients-per-query 7; fetches-per-server 8 fail; fetches-per-zone 9 drop;"), func(c *Config) {
			c.Limits.RecursiveClients = 5000
			c.Limits.FetchesPerServer, c.Limits.FetchesPerZone = Quota{Max: 8}, Quota{Max: 9, Drop: true}
		}},
		{opts("resolver-query-timeout 3;"), func(c *Config) { c.Limits.ResolverQueryTimeout = 3 * time.Second }},
		{opts("resolver-query-timeout 2500;"), func(c *Config) { c.Limits.ResolverQueryTimeout = 2500 * time.Millisecond }},
		{opts("resolver-query-timeout 10;"), func(*Config) {}},
		{opts("rate-limit { responses-per-second 5; nodata-per-second 1; slip 3; };"), func(c *Config) {
			c.RateLimit = RateLimit{
				ResponsesPerSecond: 5, ErrorsPerSecond: 5, NxdomainsPerSecond: 5, NodataPerSecond: 1, ReferralsPerSecond: 5,
				Window: 15, Slip: 3, IPv4PrefixLen: 24, IPv6PrefixLen: 56, MaxTableSize: 20000, MinTableSize: 500,
			}
		}},
		{opts("minimal-responses yes; minimal-any yes; match-mapped-addresses yes; querylog yes;"), func(c *Config) {
			c.MinimalResponses, c.MinimalAny, c.MatchMapped, c.QueryLog = true, true, true, true
		}},
		{opts("rrset-order { order cyclic; };"), func(c *Config) { c.RRsetOrder = OrderCyclic }},
		{opts(`rrset-order { type A order cyclic; class IN name "*" order random; order none; };`), func(c *Config) { c.RRsetOrder = OrderRandom }},
		{opts("rrset-order { type A order cyclic; };"), func(c *Config) { c.RRsetOrder = OrderNone }},
		{opts("pid-file none;"), func(c *Config) { c.PidFile = "" }},
		{opts(`pid-file "/run/x";`), func(c *Config) { c.PidFile = "/run/x" }},
		{opts("empty-zones-enable no;"), func(c *Config) { c.Local = nil }},
		{"logging { category queries { null; }; };", func(c *Config) {
			c.QueryLog, c.Logging.Categories = true, map[string][]string{"queries": {"null"}}
		}},
		{opts("querylog no;") + " logging { category queries { null; }; };", func(c *Config) {
			c.Logging.Categories = map[string][]string{"queries": {"null"}}
		}},
		{"server 10/8 { bogus yes; }; server ::1 { edns no; tcp-only yes; send-cookie no; edns-udp-size 9000; };", func(c *Config) {
			no := false
			c.Servers = []Server{
				{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Bogus: true},
				{Prefix: netip.MustParsePrefix("::1/128"), EDNS: &no, TCPOnly: true, SendCookie: &no, UDPSize: 4096},
			}
		}},
	} {
		t.Run(c.conf, func(t *testing.T) {
			want := load(t, "")
			c.want(want)
			if got := load(t, c.conf); !reflect.DeepEqual(got, want) {
				t.Errorf("Config of %q:\n%s", c.conf, difference(got, want))
			}
		})
	}
}

func TestDefault(t *testing.T) {
	if got, want := Default(), load(t, ""); !reflect.DeepEqual(got, want) {
		t.Errorf("Default() is not the Config of an empty file:\n%s", difference(got, want))
	}
}

// TestFindings holds messages and places to what an operator reads.
func TestFindings(t *testing.T) {
	for _, c := range []struct{ name, conf, want string }{
		{"all in one run", "options {\n recursion on;\n forwarders { x; 192.0.2.1; y };\n};\nzone \"a\" { type forward; file \"x\"; };\n",
			"2:12: expected boolean near 'on'\n" +
				"3:15: expected address near 'x'\n" +
				"3:29: expected address near 'y'\n" +
				"3:31: missing ';' before '}'\n" +
				"5:26: option 'file' is not allowed in a forward zone\n"},
		{"unknown", "options { frob yes; };", "1:11: unknown option 'frob'\n"},
		{"misspelt", opts("forwaders { 192.0.2.1; };"), "1:11: unknown option 'forwaders'; did you mean 'forwarders'?\n"},
		{"misspelt block", "optoins { };", "1:1: unknown option 'optoins'; did you mean 'options'?\n"},
		{"misspelt in a zone", `zone "a" { type forward; forwardes { 192.0.2.1; }; };`, "1:26: unknown option 'forwardes'; did you mean 'forwarders'?\n"},
		{"misspelt and in the wrong place", opts("severty info;"), "1:11: unknown option 'severty'; did you mean 'severity', which belongs in channel?\n"},
		{"misspelt ACL", `acl goodclients { any; };` + opts("allow-query { goodclient; };"), "1:50: undefined ACL 'goodclient'; did you mean 'goodclients'?\n"},
		{"misspelt channel", `logging { channel a_log { null; }; category default { alog; }; };`, "1:55: undefined channel: 'alog'; did you mean 'a_log'?\n"},
		{"misspelt category", `logging { category querys { null; }; };`, "1:20: undefined category: 'querys'; did you mean 'queries'?\n"},
		{"key in a list", opts(`allow-query { key "k"; };`), "1:25: 'key k' matches nobody: queries are not signed here; name addresses\n"},
		{"wrong place", "logging { recursion yes; };", "1:11: unknown option 'recursion' here: it belongs in options, view\n"},
		{"missing brace", "options { recursion no;\nzone a { type forward; };\n};",
			"2:1: unknown option 'zone' here: it belongs in top level, view; is a '}' missing above?\n"},
		{"redefined", opts("recursion yes; recursion no;"), "1:26: 'recursion' redefined near 'recursion'\n"},
		{"missing semicolon", opts("recursion yes forward only; forwarders { };"), "1:25: missing ';' before 'forward'\n"},
		{"missing semicolon behind a key", "key k { algorithm hmac-sha256; secret b25l; } options { recursn yes; };",
			"1:47: missing ';' before 'options'\n1:57: unknown option 'recursn'; did you mean 'recursion'?\n"},
		{"missing value", opts("recursion;"), "1:20: expected boolean near ';'\n"},
		{"undefined ACL", opts("allow-query { a; };"), "1:25: undefined ACL 'a'\n"},
		{"ACL hidden by another error", "acl a { 10.1; }; options { allow-query { a; }; };", "1:9: incomplete IPv4 address or prefix near '10.1'\n"},
		{"ignored", opts("interface-interval 5;"),
			"1:11: option 'interface-interval' is ignored: interfaces are watched all the time\n"},
		{"asks for what is done anyway", opts("dnssec-validation no; notify no; allow-update { none; };"), ""},
		{"ignored part", opts("forward only; forwarders dscp 4 { 192.0.2.1 dscp 5; };"),
			"1:36: 'dscp 4' is ignored: it changes nothing in BIND 9.18 either\n" +
				"1:55: 'dscp 5' is ignored: it changes nothing in BIND 9.18 either\n"},
		{"refused part", opts("listen-on tls none { any; }; listen-on tls ephemeral { any; };"),
			"1:50: 'tls ephemeral' is not supported: DNS is served over UDP and TCP only; leave it out, or put a server in front that does\n"},
		{"relative directory", opts(`directory "../config";`),
			"1:11: directory '../config' is relative: at a reload it is sought in itself; write the whole path\n"},
		{"directory of the start", opts(`directory ".";`), ""},
		{"no directory", opts(`directory "";`), "1:11: directory '' does not exist\n"},
		{"refused", opts("dns64 64:ff9b::/96 { };"), "1:11: option 'dns64' is not supported: addresses are not synthesised\n"},
		{"zone type", `zone "a" { type slave; primaries { 192.0.2.1; }; };`,
			"1:17: zone 'a': type slave is not supported: zones are not transferred; use type forward with its servers as forwarders\n"},
		{"not text", "\x00\x01", "1:1: NUL byte: this is not a text file\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, got := ours(t, c.conf); apartFromRoots(got) != c.want {
				t.Errorf("findings in %q:\n%s\nwant\n%s", c.conf, got, c.want)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	cfg, report, err := Load(filepath.Join(t.TempDir(), "none"))
	if cfg != nil || err == nil || len(report.Findings) != 1 {
		t.Errorf("Load(missing file) = %v, %v, %v, want no Config and one error", cfg, report.Findings, err)
	}
}

func TestManyFindings(t *testing.T) {
	_, report, _ := Load(writeConf(t, strings.Repeat("frob yes;\n", 1000)+"trust-anchors { };"))
	last := report.Findings[len(report.Findings)-1]
	if n := len(report.Findings); n != maxFindings+2 || last.Message != "900 more errors" {
		t.Errorf("%d findings ending in %q, want %d ending in 900 more errors", n, last.Message, maxFindings+2)
	}
}

// TestExponentialACL has lists that name the next one twice: 2^40 elements.
func TestExponentialACL(t *testing.T) {
	var conf strings.Builder
	for i := range 40 {
		conf.WriteString("acl a" + fmt.Sprint(i) + " { a" + fmt.Sprint(i+1) + "; a" + fmt.Sprint(i+1) + "; };\n")
	}
	conf.WriteString("acl a40 { any; }; options { allow-query { a0; }; };")
	code, _, findings := ours(t, conf.String())
	if code != 1 || strings.Count(findings, "more than") != 1 {
		t.Errorf("exit code of 2^40 elements = %d, %s; want 1 and one reason", code, findings)
	}
}

// FuzzLoad checks that what is accepted has a normal form which means
// the same and is its own normal form.
func FuzzLoad(f *testing.F) {
	for _, s := range snippets {
		f.Add(s.conf)
	}
	for _, name := range []string{"reference", "bind-9.20", "bind-9.21", "view"} {
		text, err := os.ReadFile("../../testdata/named.conf/good-" + name + ".conf")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, conf string) {
		cfg, report, err := Loader{}.compile(namedconf.Parse("named.conf", []byte(conf), namedconf.Limits{}))
		if (cfg == nil) != (err != nil) {
			t.Fatalf("Config %v and error %v, want one of them", cfg, err)
		}
		if err != nil {
			return
		}
		var normal, again bytes.Buffer
		if err := report.WriteNormal(&normal); err != nil {
			t.Fatal(err)
		}
		cfg2, report2, err := Loader{}.compile(namedconf.Parse("normal", normal.Bytes(), namedconf.Limits{}))
		if err != nil {
			t.Fatalf("normal form of %q is refused: %v\n%s", conf, err, &normal)
		}
		if !reflect.DeepEqual(cfg, cfg2) {
			t.Fatalf("normal form of %q means something else:\n%s\n%s", conf, difference(cfg2, cfg), &normal)
		}
		if err := report2.WriteNormal(&again); err != nil || again.String() != normal.String() {
			t.Fatalf("normal form of the normal form of %q:\n%s\nwant\n%s", conf, &again, &normal)
		}
	})
}

// The port of -p is the default of those that name none; theirs stay.
func TestLoaderPort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "named.conf")
	conf := `options { port 1053; listen-on { any; }; listen-on port 53 { any; };
		forwarders { 10.79.0.2; 10.79.0.3 port 53; }; forward only; };`
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	for port, want := range map[uint16]uint16{0: 1053, 5353: 5353} {
		cfg, _, err := Loader{Port: port}.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := cfg.Listen[0].Port, cfg.Listen[1].Port; a != want || b != 53 {
			t.Errorf("Loader{Port: %d} listens on %d and %d, want %d and 53", port, a, b, want)
		}
		servers := cfg.Zones[0].Forwarders
		if a, b := servers[0].Port(), servers[1].Port(); a != want || b != 53 {
			t.Errorf("Loader{Port: %d} forwards to %d and %d, want %d and 53", port, a, b, want)
		}
	}
}
