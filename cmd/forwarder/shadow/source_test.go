package shadow

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vpcdns/forwarder/host"
)

// Lines as named 9.18, 9.9, syslog and this forwarder write them, and others.
const queryLogText = `29-Nov-2026 07:47:40.100 queries: info: client @0x7f1c 10.0.0.9#46065 (WWW.corp.test): query: WWW.corp.test IN A +E(0)K (10.1.0.1)
29-Nov-2026 07:47:40.200 general: notice: all zones loaded
29-Nov-2026 07:47:40.200 queries: info: client @0x7f1c 10.0.0.9#46066 (www.corp.test): view inside: query: www.corp.test IN A +E(0)K (10.1.0.1)
client 10.0.0.9#999: query: mx.corp.test IN MX + (10.1.0.1)
Nov 29 07:47:40 ns1 named[812]: client @0x1 fd00::9#46067 (sp\032ace.corp.test): query: sp\032ace.corp.test IN TYPE65280 -E(0)TDC (fd00::1)
client @0x1 10.0.0.9#1 (corp.test): query: corp.test IN AXFR -T (10.1.0.1)
client @0x1 10.0.0.9#1 (version.bind): query: version.bind CH TXT + (10.1.0.1)
client @0x1 10.0.0.9#1 (x): query: x IN
client @0x1 10.0.0.9#1 (x): query: x IN NOSUCHTYPE + (10.1.0.1)
`

// What named 9.18 writes, with an answer over several lines.
const dumpText = `;
; Start view _default
;
;
; Cache dump of view '_default' (cache _default)
;
; using a 0 second stale ttl
$DATE 20261129074740
; authanswer
corp.test.		60	IN SOA	ns.corp.test. hostmaster.corp.test. (
					1          ; serial
					60         ; refresh (1 minute)
					60         ; minimum (1 minute)
					)
; answer
			60	\-TYPE65280 ;-$NXRRSET
; corp.test. SOA ns.corp.test. hostmaster.corp.test. 1 60 60 60 60
; answer
a.corp.test.		60	\-AAAA	;-$NXRRSET
; corp.test. SOA ns.corp.test. hostmaster.corp.test. 1 60 60 60 60
; authanswer
			60	A	10.0.0.1
			60	A	10.0.0.2
; additional
glue.corp.test.		60	A	10.0.0.3
; answer
none.corp.test.		60	\-ANY	;-$NXDOMAIN
; secure
text.corp.test.		60	TXT	"x ( y; z"
			60	RRSIG	TXT 8 3 60 (
					20261229074740 20261129074740 1 corp.test.
					AAAA )
; authanswer
www.corp.test.		60	CNAME	a.corp.test.
;
; Address database dump
;
; Unassociated entries
;
;	127.0.0.1 [srtt 0] [flags 00000004] [ttl 1800]
; Bad cache
;
; SERVFAIL cache
;
; x.y/A [ttl 959]
`

func TestRead(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // sorted
		lost       int
		err        string
	}{
		{name: "query log", text: queryLogText, lost: 1, want: []string{
			"mx.corp.test. MX", "sp\\ ace.corp.test. TYPE65280 +norec +dnssec +cd", "version.bind. CH TXT", "www.corp.test. A",
		}},
		{name: "dump", text: dumpText, want: []string{
			"a.corp.test. A", "a.corp.test. AAAA", "corp.test. SOA", "corp.test. TYPE65280", "none.corp.test. A",
			"text.corp.test. TXT", "www.corp.test. A",
		}},
		{name: "list", text: "# of dnsperf\nWww.corp.test\nmx.corp.test MX\n\nx.corp.test. TYPE65\n", want: []string{
			"mx.corp.test. MX", "www.corp.test. A", "www.corp.test. AAAA", "x.corp.test. HTTPS",
		}},
		{name: "list with a wrong type", text: "www.corp.test A\nmx.corp.test MXX\n", want: []string{"www.corp.test. A"}, err: `line 2: "MXX" is no type of records`},
		{name: "list with a wrong name", text: "www..corp.test A\n", err: `line 1: "www..corp.test" is no domain name`},
		{name: "another log", text: "29-Nov-2026 07:47:40.200 general: notice: all zones loaded\n", err: "rndc querylog on"},
		{name: "nothing", err: "rndc querylog on"},
		{name: "a line without an end", text: strings.Repeat("x ", 3*maxLine) + "\nclient 10.0.0.9#1: query: a IN A +", want: []string{"a. A"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got Questions
			err := got.Read(strings.NewReader(test.text))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("Read = %v, want %q", err, test.err)
			}
			if list := sortedTexts(got.Top(100)); !slices.Equal(list, test.want) || got.Lost != test.lost {
				t.Errorf("Read gives %q and loses %d, want %q and %d", list, got.Lost, test.want, test.lost)
			}
		})
	}
}

func sortedTexts(list []Question) (texts []string) {
	for _, q := range list {
		texts = append(texts, q.String())
	}
	slices.Sort(texts)
	return texts
}

// What was asked most comes first.
func TestTop(t *testing.T) {
	var s Questions
	for _, name := range []string{"a", "b", "c", "b", "b", "c"} {
		s.AddName(name, 1)
	}
	list := s.Top(2)
	if len(list) != 2 || list[0].Name != "b." || list[1].Name != "c." {
		t.Errorf("Top(2) = %v, want b and c", list)
	}
}

// A directory has a log, its old versions, a compressed one, and other things.
func TestReadPath(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	line := func(name string) []byte { return []byte("client 10.0.0.9#1: query: " + name + " IN A +\n") }
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(line("c"))
	z.Close()
	put("q[1].log", line("a"))
	put("q[1].log.0", line("b"))
	put("q[1].log-20261101.gz", packed.Bytes())
	if err := syscall.Mkfifo(filepath.Join(dir, "q[1].log.1"), 0o600); err != nil { // nobody writes into it
		t.Fatal(err)
	}
	put("bind.log", []byte("29-Nov-2026 07:47:40.200 general: notice: all zones loaded\n"))

	var all, rolled Questions
	if err := all.ReadPath(dir); err != nil {
		t.Error(err)
	}
	if got := sortedTexts(all.Top(9)); !slices.Equal(got, []string{"a. A", "b. A", "c. A"}) {
		t.Errorf("the directory has %q, want a, b and c", got)
	}
	if err := rolled.ReadRolled(filepath.Join(dir, "q[1].log")); err != nil {
		t.Error(err)
	}
	if got := sortedTexts(rolled.Top(9)); !slices.Equal(got, []string{"a. A", "b. A"}) {
		t.Errorf("the log and its old version have %q, want a and b", got)
	}
	for _, path := range []string{filepath.Join(dir, "bind.log"), t.TempDir(), filepath.Join(dir, "none")} {
		if err := new(Questions).ReadPath(path); err == nil {
			t.Errorf("ReadPath(%s) = nil, want an error", path)
		}
	}
}

// Whatever a file holds, each question that is read from it can be asked.
func FuzzRead(f *testing.F) {
	f.Add(queryLogText)
	f.Add(dumpText)
	f.Add("a.b A\n")
	f.Add("$DATE 20261129092932\n\v\n")
	f.Fuzz(func(t *testing.T, text string) {
		var s Questions
		_ = s.Read(strings.NewReader(text)) // an error says which line
		for _, q := range s.Top(s.Len()) {
			if _, err := q.message().Pack(); err != nil {
				t.Errorf("%v of %q cannot be asked: %v", q, text, err)
			}
		}
	})
}

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1#53", "127.0.0.1#5353": "127.0.0.1#5353", "::1": "::1#53", "fe80::1%eth0#54": "fe80::1%eth0#54",
		"": "", "localhost": "", "127.0.0.1:53": "", "127.0.0.1#": "", "127.0.0.1#0": "", "127.0.0.1#65536": "",
	} {
		a, err := ParseAddr(text, 53)
		got := ""
		if err == nil {
			got = host.Address(a)
		}
		if got != want {
			t.Errorf("ParseAddr(%q) = %s, %v, want %q", text, got, err, want)
		}
	}
}
