package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// opts writes an options block, zone a forward zone.
func opts(s string) string { return "options { " + s + " };" }

// snippets are configurations that named-checkconf and we must find good or bad alike,
// unless differs says why not. What both accept has the same normal form.
var snippets = []struct {
	name, conf string
	differs    string
}{
	{"empty", "", ""},
	{"empty blocks", "options { }; logging { }; controls { };", ""},
	{"comments", "/* a */ options { // b\n recursion yes; # c\n };", ""},
	{"comment at a word's end", "options { recursion yes/**/; };", "BIND trips over it"},
	{"case of keywords", "OPTIONS { Recursion TRUE; FORWARD Only; forwarders { 192.0.2.1; }; };", ""},
	{"quoted keyword", `"options" { };`, ""},
	{"quoted option", `options { "recursion" yes; };`, ""},
	{"two semicolons", "options { };;", ""},
	{"semicolon in a block", "options { ; };", ""},
	{"no semicolon before brace", "options { recursion yes };", ""},
	{"no semicolon between options", "options { recursion yes forward only; forwarders { 192.0.2.1; }; };", ""},
	{"no semicolon after options", "options { } logging { };", ""},
	{"value too many", opts("recursion yes no;"), ""},
	{"value missing", opts("recursion;"), ""},
	{"unknown option", opts("frobnicate yes;"), ""},
	{"unknown statement", "frobnicate { };", ""},
	{"options in the wrong place", "recursion yes;", ""},
	{"options twice", "options { }; options { };", ""},
	{"logging twice", "logging { }; logging { };", ""},
	{"controls twice", "controls { }; controls { };", ""},
	{"option twice", opts("recursion yes; recursion no;"), ""},
	{"a zone's option twice", `zone "a" { type forward; forwarders { }; forwarders { }; };`, ""},
	{"unclosed block", "options { recursion yes;", ""},
	{"unclosed string", `options { version "x; };`, ""},
	{"include of nothing", `include "/nonexistent/named.conf";`, ""},

	{"boolean 1", opts("recursion 1;"), ""},
	{"boolean 01", opts("recursion 01;"), ""},
	{"boolean on", opts("recursion on;"), ""},
	{"boolean quoted", opts(`recursion "yes";`), ""},
	{"number octal", opts("tcp-clients 010;"), ""},
	{"number octal wrong", opts("tcp-clients 08;"), ""},
	{"number hex", opts("tcp-clients 0x1F;"), ""},
	{"number hex 10", opts("tcp-clients 0X10;"), ""},
	{"number hex empty", opts("tcp-clients 0x;"), ""},
	{"number 0", opts("tcp-clients 0;"), ""},
	{"number 00", opts("tcp-clients 00;"), ""},
	{"number with unit", opts("recursive-clients 1k;"), ""},
	{"number negative", opts("recursive-clients -1;"), ""},
	{"number signed", opts("recursive-clients +1;"), ""},
	{"number quoted", opts(`recursive-clients "1";`), ""},
	{"number of 32 bits", opts("recursive-clients 4294967295;"), ""},
	{"number of 33 bits", opts("recursive-clients 4294967296;"), ""},
	{"size in bytes", opts("max-cache-size 10000000;"), ""},
	{"size k", opts("max-cache-size 10000k;"), ""},
	{"size M", opts("max-cache-size 10M;"), ""},
	{"size g", opts("max-cache-size 1g;"), ""},
	{"size t", opts("max-cache-size 1t;"), ""},
	{"size mb", opts("max-cache-size 1mb;"), ""},
	{"size with a blank", opts("max-cache-size 1 m;"), ""},
	{"size fraction", opts("max-cache-size 1.5m;"), ""},
	{"size octal", opts("max-cache-size 010;"), ""},
	{"size hex", opts("max-cache-size 0x10;"), ""},
	{"size quoted", opts(`max-cache-size "10m";`), ""},
	{"size beyond 64 bits", opts("max-cache-size 20000000000000000000;"), ""},
	{"size beyond 64 bits with unit", opts("max-cache-size 18000000000g;"), ""},
	{"size unlimited", opts("max-cache-size Unlimited;"), ""},
	{"size default", opts("max-cache-size default;"), ""},
	{"size percent", opts("max-cache-size 50%;"), ""},
	{"size percent octal", opts("max-cache-size 010%;"), ""},
	{"size percent over 100", opts("max-cache-size 101%;"), ""},
	{"size percent empty", opts("max-cache-size %;"), "it is not a number; BIND takes it as 0"},
	{"duration seconds", opts("max-cache-ttl 3600;"), ""},
	{"duration leading zero", opts("max-cache-ttl 010;"), ""},
	{"duration TTL", opts("max-cache-ttl 1w2d3h4m5s;"), ""},
	{"duration TTL capital", opts("max-cache-ttl 1H;"), ""},
	{"duration TTL order", opts("max-cache-ttl 1s1h;"), ""},
	{"duration TTL twice", opts("max-cache-ttl 1h1h;"), ""},
	{"duration TTL rest", opts("max-cache-ttl 1h30;"), ""},
	{"duration TTL unknown unit", opts("max-cache-ttl 30x;"), ""},
	{"duration ISO", opts("max-cache-ttl PT1H;"), ""},
	{"duration ISO small", opts("max-cache-ttl pt1h;"), ""},
	{"duration ISO all", opts("max-cache-ttl P1Y2M3DT4H5M6S;"), ""},
	{"duration ISO week", opts("max-cache-ttl P1W;"), ""},
	{"duration ISO week mixed", opts("max-cache-ttl P1W1D;"), ""},
	{"duration ISO order", opts("max-cache-ttl P1D1Y;"), ""},
	{"duration ISO empty", opts("max-cache-ttl P;"), ""},
	{"duration ISO empty time", opts("max-cache-ttl PT;"), ""},
	{"duration ISO time cut", opts("max-cache-ttl P1DT;"), ""},
	{"duration ISO no unit", opts("max-cache-ttl P1;"), ""},
	{"duration ISO time before date", opts("max-cache-ttl PT1D;"), ""},
	{"duration ISO zeros", opts("max-cache-ttl P0Y007DT0H5M;"), ""},
	{"duration ISO zero", opts("max-cache-ttl P0W;"), ""},
	{"duration ISO of 33 bits", opts("max-cache-ttl P50000D;"), ""},
	{"duration ISO number of 33 bits", opts("max-cache-ttl P4294967296D;"), ""},
	{"duration hex", opts("max-cache-ttl 0x10;"), ""},
	{"duration unlimited", opts("max-cache-ttl unlimited;"), ""},
	{"duration quoted", opts(`max-cache-ttl "10";`), ""},
	{"duration of 33 bits", opts("max-cache-ttl 4294967296;"), ""},
	{"duration of 33 bits in units", opts("max-cache-ttl 60000w;"), ""},

	{"acl", "acl a { 10/8; !192.0.2.1; localhost; any; }; options { allow-query { a; }; };", ""},
	{"acl quoted", `acl "a b" { 10/8; }; options { allow-query { "a b"; }; };`, ""},
	{"acl case", "acl a { 10/8; }; options { allow-query { A; }; };", ""},
	{"acl before its definition", "options { allow-query { a; }; }; acl a { 10/8; };", ""},
	{"acl undefined", opts("allow-query { a; };"), ""},
	{"acl undefined in unused", "acl a { b; };", ""},
	{"acl undefined in used", "acl a { b; }; options { allow-query { a; }; };", ""},
	{"acl loop", "acl a { b; }; acl b { a; }; options { allow-query { a; }; };", ""},
	{"acl loop with itself", "acl a { a; }; options { allow-query { a; }; };", ""},
	{"acl loop unused", "acl a { b; }; acl b { a; };", ""},
	{"acl twice", "acl a { any; }; acl A { any; };", ""},
	{"acl any redefined", "acl any { none; };", ""},
	{"acl localnets redefined", "acl LocalNets { none; };", ""},
	{"acl empty", "acl a { }; options { allow-query { a; }; };", ""},
	{"acl nested", opts("allow-query { { 10/8; }; !{ !192.0.2.1; any; }; { }; };"), ""},
	{"acl negated twice", opts("allow-query { ! ! any; };"), ""},
	{"acl key", opts("allow-query { key k; !key \"k\"; };"), ""},
	{"acl key without name", opts("allow-query { key; };"), ""},
	{"acl two names", opts("allow-query { any none; };"), ""},
	{"acl block after name", opts("allow-query { any { }; };"), ""},
	{"acl word", opts("allow-query any;"), ""},
	{"prefix short", opts("allow-query { 10/8; 172.16/12; 192.168.1/24; 0/0; };"), ""},
	{"prefix spaced", opts("allow-query { 10.0.0.0 / 8; };"), ""},
	{"prefix without length", opts("allow-query { 10.1; };"), ""},
	{"prefix one octet", opts("allow-query { 10; };"), ""},
	{"prefix leading zero", opts("allow-query { 010/8; };"), ""},
	{"prefix octet too big", opts("allow-query { 256/8; };"), ""},
	{"prefix host bits", opts("allow-query { 10.0.0.1/8; };"), ""},
	{"prefix host bits IPv6", opts("allow-query { 2001:db8::1/32; };"), ""},
	{"prefix length 33", opts("allow-query { 10/33; };"), ""},
	{"prefix length 129", opts("allow-query { ::/129; };"), ""},
	{"prefix length zero-led", opts("allow-query { 192.0.2.0/024; };"), ""},
	{"prefix length hex", opts("allow-query { 192.0.2.0/0x18; };"), ""},
	{"prefix netmask", opts("allow-query { 10.0.0.0/255.0.0.0; };"), ""},
	{"prefix IPv6", opts("allow-query { 2001:db8::/32; ::1; ::/0; ::ffff:192.0.2.1; };"), ""},
	{"prefix quoted", opts(`allow-query { "192.0.2.1"; };`), ""},
	{"prefix IPv6 capital", opts("allow-query { 2001:DB8::/32; };"), ""},

	{"forwarders", opts("forwarders { 192.0.2.1; 2001:db8::1; };"), ""},
	{"forwarders ports", opts("forwarders port 5353 { 192.0.2.1 port 53; 192.0.2.2; };"), ""},
	{"forwarders port octal", opts("forwarders port 010 { 192.0.2.1 port 010; };"), ""},
	{"forwarders port hex", opts("forwarders { 192.0.2.1 port 0x35; };"), ""},
	{"forwarders port 0", opts("forwarders { 192.0.2.1 port 0; };"), ""},
	{"forwarders port 65536", opts("forwarders { 192.0.2.1 port 65536; };"), ""},
	{"forwarders port *", opts("forwarders { 192.0.2.1 port *; };"), ""},
	{"forwarders list port 70000", opts("forwarders port 70000 { 192.0.2.1; };"), "named itself does not start with it"},
	{"forwarders name", opts("forwarders { resolver; };"), ""},
	{"forwarders quoted", opts(`forwarders { "192.0.2.1"; };`), ""},
	{"forwarders short", opts("forwarders { 192.0.2; };"), ""},
	{"forwarders prefix", opts("forwarders { 192.0.2.0/24; };"), ""},
	{"forwarders tls", opts("forwarders { 192.0.2.1 tls t; };"), ""},
	{"forwarders repeated", opts("forwarders { 192.0.2.1; 192.0.2.1; };"), ""},
	{"forwarders any address", opts("forwarders { 0.0.0.0; };"), "nobody answers there"},
	{"forward alone", opts("forward only;"), ""},
	{"forward and empty", opts("forward only; forwarders { };"), ""},
	{"forward quoted", opts(`forward "only"; forwarders { 192.0.2.1; };`), ""},
	{"forward never", opts("forward never; forwarders { 192.0.2.1; };"), ""},
	{"listen-on", opts("listen-on port 0x35 { any; }; listen-on { 127.0.0.1; }; listen-on-v6 { none; };"), ""},
	{"listen-on port 65536", opts("listen-on port 65536 { any; };"), ""},
	{"listen-on two ports", opts("listen-on port 53 port 54 { any; };"), ""},
	{"port", opts("port 5353;"), ""},
	{"port 65536", opts("port 65536;"), ""},
	{"query-source", opts("query-source 192.0.2.1; query-source-v6 2001:db8::1;"), ""},
	{"query-source address", opts("query-source address 192.0.2.1;"), ""},
	{"query-source *", opts("query-source *;"), ""},
	{"query-source-v6 *", opts("query-source-v6 address *;"), ""},
	{"query-source port *", opts("query-source address * port *;"), ""},
	{"query-source port first", opts("query-source port 1234 address 192.0.2.1;"), ""},
	{"query-source port alone", opts("query-source port 1234;"), ""},
	{"query-source bare port", opts("query-source 192.0.2.1 port 1234;"), ""},
	{"query-source listener's port", opts("query-source * port 53;"), ""},
	{"query-source * port", opts("query-source * port 1234;"), ""},
	{"query-source twice", opts("query-source address 192.0.2.1 address 192.0.2.2;"), ""},
	{"query-source IPv6", opts("query-source ::1;"), ""},
	{"query-source name", opts("query-source eth0;"), ""},
	{"query-source nothing", opts("query-source;"), ""},

	{"max-ncache-ttl 7 d", opts("max-ncache-ttl 7d;"), ""},
	{"max-ncache-ttl 8 d", opts("max-ncache-ttl 8d;"), ""},
	{"min-cache-ttl 90", opts("min-cache-ttl 90; min-ncache-ttl 90;"), ""},
	{"min-cache-ttl 91", opts("min-cache-ttl 91;"), ""},
	{"min-ncache-ttl 91", opts("min-ncache-ttl 91;"), ""},
	{"prefetch", opts("prefetch 2;"), ""},
	{"prefetch two", opts("prefetch 4 10;"), ""},
	{"prefetch near", opts("prefetch 2 3;"), ""},
	{"prefetch 11", opts("prefetch 11;"), ""},
	{"prefetch nothing", opts("prefetch;"), ""},
	{"servfail-ttl 31", opts("servfail-ttl 31;"), ""},
	{"stale", opts("stale-answer-enable yes; stale-cache-enable yes; stale-answer-ttl 1; max-stale-ttl 1h; stale-refresh-time 30;"), ""},
	{"stale-answer-client-timeout", opts("stale-answer-client-timeout 1800;"), ""},
	{"stale-answer-client-timeout off", opts("stale-answer-client-timeout OFF;"), ""},
	{"stale-answer-client-timeout word", opts("stale-answer-client-timeout never;"), ""},
	{"edns sizes clamped", opts("edns-udp-size 100; max-udp-size 65535; nocookie-udp-size 1;"), ""},
	{"cookie-secret", opts(`cookie-secret "00112233445566778899aabbccddeeff"; cookie-secret "ffeeddccbbaa99887766554433221100";`), ""},
	{"cookie-secret short", opts(`cookie-secret "0011";`), ""},
	{"cookie-secret not hex", opts(`cookie-secret "x0112233445566778899aabbccddeeff";`), ""},
	{"cookie-algorithm aes", opts("cookie-algorithm aes;"), "a deprecated algorithm that other servers' cookies would not match"},
	{"rrset-order", opts("rrset-order { order cyclic; };"), ""},
	{"rrset-order rules", opts(`rrset-order { class IN type A name "a.example" order random; order none; };`), ""},
	{"rrset-order unknown", opts("rrset-order { order sorted; };"), ""},
	{"rrset-order no keyword", opts("rrset-order { cyclic; };"), ""},
	{"rrset-order class", opts("rrset-order { class XX order none; };"), ""},
	{"rrset-order type", opts("rrset-order { type ZZZ order none; };"), ""},
	{"rrset-order name", opts(`rrset-order { name "a..b" order none; };`), ""},
	{"minimal-responses", opts("minimal-responses no-auth;"), ""},
	{"minimal-responses word", opts("minimal-responses some;"), ""},
	{"fetches", opts("fetches-per-server 10 fail; fetches-per-zone 5;"), ""},
	{"fetches word", opts("fetches-per-server 10 wait;"), ""},
	{"resolver-query-timeout", opts("resolver-query-timeout 5;"), ""},
	{"rate-limit", opts("rate-limit { responses-per-second 5; window 5; exempt-clients { 10/8; }; log-only yes; };"), ""},
	{"rate-limit over 1000", opts("rate-limit { responses-per-second 1001; };"), ""},
	{"rate-limit window 0", opts("rate-limit { window 0; };"), ""},
	{"rate-limit slip 11", opts("rate-limit { slip 11; };"), ""},
	{"rate-limit prefix 0", opts("rate-limit { ipv4-prefix-length 0; };"), ""},
	{"rate-limit prefix 65", opts("rate-limit { ipv6-prefix-length 65; };"), ""},
	{"rate-limit tables", opts("rate-limit { min-table-size 30000; };"), ""},
	{"rate-limit qps-scale 0", opts("rate-limit { qps-scale 0; };"), ""},
	{"rate-limit acl", opts("rate-limit { exempt-clients { a; }; };"), ""},
	{"rate-limit unknown", opts("rate-limit { burst 5; };"), ""},
	{"access with recursion no", opts("recursion no; allow-recursion { any; };"), ""},
	{"version none", opts("version none; hostname none; server-id none;"), ""},
	{"version word", opts("version secret;"), ""},
	{"server-id hostname", opts("server-id hostname;"), ""},
	{"hostname hostname", opts("hostname hostname;"), ""},
	{"pid-file", opts(`pid-file "/run/x.pid"; querylog yes;`), ""},
	{"pid-file word", opts("pid-file x;"), ""},
	{"directory missing", opts(`directory "/nonexistent";`), "nothing that a forwarder needs is there"},
	{"directory word", opts("directory tmp;"), ""},
	{"empty zones", opts(`empty-zones-enable yes; disable-empty-zone "10.in-addr.arpa"; empty-server "ns.example"; empty-contact "root.example";`), ""},
	{"empty zones wrong name", opts(`disable-empty-zone "a..b";`), ""},
	{"empty-contact wrong name", opts(`empty-contact "a..b";`), ""},

	{"zone", `zone "example" { type forward; forwarders { 192.0.2.1; }; };`, ""},
	{"zone unquoted", `zone example. IN { type FORWARD; forward only; forwarders { 192.0.2.1; }; };`, ""},
	{"zone class small", `zone "example" in { type forward; forwarders { }; };`, ""},
	{"zone class CH", `zone "example" CH { type forward; forwarders { }; };`, ""},
	{"zone class ANY", `zone "example" ANY { type forward; };`, ""},
	{"zone class quoted", `zone "example" "IN" { type forward; };`, ""},
	{"zone without type", `zone "example" { forwarders { 192.0.2.1; }; };`, ""},
	{"zone without body", `zone "example";`, ""},
	{"zone of no type", `zone "example" { type front; };`, ""},
	{"zone without forwarders", `zone "example" { type forward; };`, ""},
	{"zone forward alone", `zone "example" { type forward; forward only; };`, ""},
	{"zone with file", `zone "example" { type forward; file "x"; };`, ""},
	{"zone with allow-query", `zone "example" { type forward; allow-query { any; }; };`, ""},
	{"zone with recursion", `zone "example" { type forward; recursion yes; };`, ""},
	{"zone twice", `zone "example" { type forward; }; zone "EXAMPLE." { type forward; };`, ""},
	{"zone empty label", `zone "a..b" { type forward; };`, ""},
	{"zone empty name", `zone "" { type forward; };`, ""},
	{"zone long label", `zone "` + strings.Repeat("a", 64) + `" { type forward; };`, ""},
	{"zone label of 63", `zone "` + strings.Repeat("a", 63) + `" { type forward; };`, ""},
	{"zone odd names", `zone "_x.*.a\.b.example" { type forward; }; zone "bücher.example" { type forward; };`, ""},
	{"zone root", `zone "." { type forward; forwarders { 192.0.2.1; }; };`, ""},
	{"zone root and forwarders", `zone "." { type forward; forwarders { 192.0.2.1; }; }; options { forwarders { 192.0.2.1; }; };`, ""},
	{"zone hint", `zone "." { type hint; file "named.ca"; };`, ""},
	{"zone hint without file", `zone "." { type hint; };`, ""},
	{"zone hint not root", `zone "example" { type hint; file "named.ca"; };`, ""},
	{"zone hint and forward", `zone "." { type hint; file "named.ca"; }; zone "." { type forward; forwarders { 192.0.2.1; }; };`, ""},
	{"zone hint twice", `zone "." { type hint; file "a"; }; zone "." { type hint; file "a"; };`, ""},
	{"zone primary without file", `zone "example" { type primary; };`, ""},
	{"zone primary without its file", `zone "example" { type primary; file "/nonexistent"; };`, "as named-checkconf -z: the zone could not be served"},
	{"zone localhost without its file", `zone "localhost" { type master; file "/nonexistent"; allow-update { none; }; };`, ""},
	{"zone secondary", `zone "example" { type secondary; file "x"; primaries { 192.0.2.1; }; };`, "zones are not transferred"},
	{"zone stub", `zone "example" { type stub; file "x"; primaries { 192.0.2.1; }; };`, "zones are not transferred"},
	{"zone static-stub", `zone "example" { type static-stub; server-addresses { 192.0.2.1; }; };`, "forwarders are what is asked here"},
	{"zone redirect", `zone "." { type redirect; file "x"; };`, "NXDOMAIN is passed on"},
	{"zone delegation-only", `zone "example" { type delegation-only; };`, "answers are passed on"},
	{"view", `view "x" { zone "example" { type forward; }; };`, "answers would depend on the client"},

	{"server", "server 192.0.2.1 { bogus yes; edns no; tcp-only yes; send-cookie no; edns-udp-size 1232; };", ""},
	{"server prefix", "server 192.0.2.0/24 { edns no; }; server 2001:db8::/32 { edns no; };", ""},
	{"server host bits", "server 192.0.2.1/24 { };", ""},
	{"server twice", "server 192.0.2.1 { }; server 192.0.2.1/32 { };", ""},
	{"server name", "server resolver { };", ""},
	{"server unknown option", "server 192.0.2.1 { recursion yes; };", ""},
	{"server unknown key", "server 192.0.2.1 { keys k; };", ""},
	{"server key", `key k { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; }; server 192.0.2.1 { keys k; };`, "queries are not signed"},
	{"key", `key k { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; };`, ""},
	{"key truncated", `key k { algorithm HMAC-SHA256-128; secret "c2VjcmV0IQ=="; };`, ""},
	{"key truncated short", `key k { algorithm hmac-sha256-80; secret "c2VjcmV0IQ=="; };`, ""},
	{"key truncated oddly", `key k { algorithm hmac-sha256-129; secret "c2VjcmV0IQ=="; };`, ""},
	{"key truncated long", `key k { algorithm hmac-sha256-264; secret "c2VjcmV0IQ=="; };`, ""},
	{"key algorithm", `key k { algorithm hmac-sha3; secret "c2VjcmV0IQ=="; };`, ""},
	{"key secret", `key k { algorithm hmac-sha256; secret "c2Vj!"; };`, ""},
	{"key without secret", `key k { algorithm hmac-sha256; };`, ""},
	{"key twice", `key k { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; }; key K. { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; };`, ""},
	{"controls", `key k { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; }; controls { inet 127.0.0.1 port 953 allow { localhost; } keys { k; }; };`, ""},
	{"controls *", "controls { inet * allow { any; } read-only yes; };", ""},
	{"controls port *", "controls { inet 127.0.0.1 port * allow { any; }; };", ""},
	{"controls without allow", "controls { inet 127.0.0.1; };", ""},
	{"controls unknown key", "controls { inet 127.0.0.1 allow { any; } keys { k; }; };", ""},
	{"controls unknown acl", "controls { inet 127.0.0.1 allow { a; }; };", ""},
	{"statistics-channels", "statistics-channels { inet 127.0.0.1 port 8053 allow { any; }; };", ""},

	{"channel", `logging { channel a { file "x" versions 3 size 5m; severity warning; print-time yes; print-severity yes; print-category yes; }; category default { a; }; };`, ""},
	{"channel file order", `logging { channel a { file "x" size 5m suffix timestamp versions unlimited; }; };`, ""},
	{"channel file twice", `logging { channel a { file "x" size 5m size 6m; }; };`, ""},
	{"channel file unlimited", `logging { channel a { file "x" size unlimited versions 0; }; };`, ""},
	{"channel file word", `logging { channel a { file x; }; };`, ""},
	{"channel syslog", "logging { channel a { syslog local3; severity dynamic; }; channel b { syslog; buffered yes; }; };", ""},
	{"channel syslog unknown", "logging { channel a { syslog local8; }; };", ""},
	{"channel two kinds", `logging { channel a { stderr; null; }; };`, ""},
	{"channel no kind", `logging { channel a { severity info; }; };`, ""},
	{"channel twice", "logging { channel a { stderr; }; channel a { null; }; };", ""},
	{"channel default_debug", "logging { channel default_debug { stderr; }; };", ""},
	{"channel all", "logging { channel a { buffered yes; print-category yes; print-severity yes; print-time yes; severity info; stderr; }; };", ""},
	{"channel severity warn", "logging { channel a { stderr; severity warn; }; };", ""},
	{"channel severity debug", "logging { channel a { stderr; severity DEBUG 3; }; channel b { stderr; severity debug; }; };", ""},
	{"channel print-time", "logging { channel a { stderr; print-time iso8601-utc; }; channel b { stderr; print-time 1; }; };", ""},
	{"channel print-time word", "logging { channel a { stderr; print-time rfc3339; }; };", ""},
	{"category", "logging { category queries { default_syslog; null; }; category queries { default_stderr; }; category client { }; };", ""},
	{"category unknown", "logging { category answers { null; }; };", ""},
	{"category case", "logging { category DEFAULT { null; }; };", ""},
	{"category unknown channel", "logging { category default { a; }; };", ""},
	{"category builtin channels", "logging { category default { default_syslog; default_debug; default_stderr; null; }; };", ""},

	{"dnssec-validation", opts("dnssec-validation auto;"), ""},
	{"dnssec-validation word", opts("dnssec-validation maybe;"), ""},
	{"dnssec-enable", opts("dnssec-enable yes;"), "the stock file of Amazon Linux 2 has it"},
	{"response-policy", opts(`response-policy { zone "rpz"; };`) + ` zone "rpz" { type primary; file "x"; };`, "answers would no longer be filtered"},
	{"allow-query-on any", opts("allow-query-on { any; };"), ""},
	{"allow-query-on", opts("allow-query-on { 192.0.2.1; };"), "access does not depend on the address asked"},
	{"listen-on tls", opts("listen-on tls ephemeral { any; };"), "DNS is served over UDP and TCP only"},
	{"trust-anchors", `trust-anchors { . initial-ds 20326 8 2 "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"; };`, ""},
	{"several errors", "options { recursion on; forwarders { x; y; }; frob yes; }; zone \"a\" { type forward; file \"x\"; };", ""},
}

// TestAgainstNamedCheckconf compares exit codes, and normal forms of what both
// accept. Where they differ on purpose, they must really differ.
func TestAgainstNamedCheckconf(t *testing.T) {
	for _, s := range snippets {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want, wantNormal, theirs := namedCheckconf(t, s.conf)
			got, normal, findings := ours(t, s.conf)
			if s.differs == "" && got != want {
				t.Errorf("exit code of %q = %d, want %d\nours: %s\ntheirs: %s", s.conf, got, want, findings, theirs)
			}
			if s.differs != "" && got == want && squeeze(normal) == squeeze(wantNormal) {
				t.Errorf("exit code of %q = %d as named-checkconf; the table says it differs: %s", s.conf, got, s.differs)
			}
			if got == 0 && want == 0 && squeeze(normal) != squeeze(wantNormal) {
				t.Errorf("normal form of %q is\n%s\nwant\n%s", s.conf, normal, wantNormal)
			}
		})
	}
}

// TestOptionsAgainstNamedCheckconf tries each row of the table with a good and
// a bad value.
func TestOptionsAgainstNamedCheckconf(t *testing.T) {
	for in, frame := range frames {
		for _, o := range inBlock(in) {
			v, _ := o.value()
			for _, value := range valuesToTry(v) {
				t.Run(fmt.Sprintf("%v/%s %s", in, o.name, value), func(t *testing.T) {
					t.Parallel()
					conf := fmt.Sprintf(frame, "{ "+requires(in)+o.name+" "+value+"; }")
					want, _, theirs := namedCheckconf(t, conf)
					got, _, findings := ours(t, conf)
					if got != want {
						t.Errorf("exit code of %q = %d, want %d\nours: %s\ntheirs: %s", conf, got, want, findings, theirs)
					}
				})
			}
		}
	}
}

// requires is what a block must have to be good.
func requires(in place) string {
	switch in {
	case inPrimary, inForward, inHint:
		return "type " + frameTypes[in] + "; "
	}
	return ""
}

// valuesToTry are a good value and bad ones. All of them cost half a minute.
func valuesToTry(good string) []string {
	if os.Getenv("CI") == "true" {
		return []string{good, "bogus-value", good + " bogus-value", ""}
	}
	return []string{"bogus-value"}
}
