package local

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Types that the library does not know have the wire form that BIND gives them.
func TestOldTypes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"WKS 10.0.0.1 TCP 25 80 domain", `\# 16 0a000001060000004000000400000080`},
		{"WKS 10.0.0.1 17", `\# 5 0a00000111`},
		{"WKS 10.0.0.1 tcp nosuchservice", "unknown service nosuchservice"},
		{"WKS 10.0.0.1 nosuch 25", "unknown protocol nosuch"},
		{"WKS ::1 tcp 25", "bad dotted quad"},
		{"NSAP 0x47.0005.80", `\# 4 47000580`},
		{"NSAP 4700", "syntax error"},
		{"NSAP 0x470", "syntax error"},
		{"NSAP 0x47 0x00", "extra input text"},
		{"ATMA +61.200", `\# 6 013631323030`},
		{"ATMA 39.246f.00", `\# 5 0039246f00`},
		{"ATMA +6a", "syntax error"},
		{"A6 0 fd00::1", `\# 17 00fd000000000000000000000000000001`},
		{"A6 64 ::1 x", `\# 19 4000000000000000010178017a047465737400`},
		{"A6 128 x", `\# 11 800178017a047465737400`},
		{"A6 129 x", "syntax error"},
		{"A6 64 ::1", "unexpected end of input"},
		{"A6 0 ::1 x", "extra input text"},
		{"A6 64 10.0.0.1 x", "bad IPv6 address"},
		{"SINK 1 8 2 AQ==", `\# 4 01080201`},
		{"SINK 1 8 256 AQ==", "syntax error"},
		{"SINK 1 8 2 !", "bad base64 encoding"},
		{`DOA 1 2 3 "a/b" AQ==`, `\# 14 00000001000000020303612f6201`},
		{`DOA 1 2 3 "" -`, `\# 10 00000001000000020300`},
		{`DOA 1 2 256 "" -`, "syntax error"},
		{`WALLET "a" b`, `\# 4 01610162`},
	} {
		if got := dataOf(t, test.text); got != test.want {
			t.Errorf("%s = %s, want %s", test.text, got, test.want)
		}
	}
}

// What BIND reads in more forms than the library, and what the library takes though it
// is none.
func TestDataForms(t *testing.T) {
	long := strings.Repeat("a", 255)
	for _, test := range []struct{ text, want string }{
		{"NAPTR 1 2 u a !a!b! .", `1 2 "u" "a" "!a!b!" .`},
		{`GPOS "-32.6" "116.8" 10.0`, "-32.6 116.8 10.0"},
		{"L64 10 0:0:0:1", "10 0000:0000:0000:0001"},
		{"DNSKEY 256 3 ECDSAP256SHA256 AQ==", "256 3 13 AQ=="},
		{"DS 1 8 SHA-1 0101010101010101010101010101010101010101", "1 8 1 0101010101010101010101010101010101010101"},
		{"DS 1 8 2 01", "the digest is not as long as its type says"},
		{"SSHFP 1 1 00", "the digest is not as long as its type says"},
		{"NSEC a TXT A TXT", "a.z.test. A TXT"},
		{"NSEC a WKS A", "a.z.test. A TYPE11"},
		{"TXT " + long, `"` + long + `"`},
		{"TXT " + long + "a", "a text has more than 255 octets"},
		{`TXT ` + long[:254] + `\097`, `"` + long + `"`},
		{`TXT \300`, "a backslash before digits takes three of them, 255 at most"},
		{`TXT \09`, "a backslash before digits takes three of them, 255 at most"},
		{"TXT", "unexpected end of input"},
		{"HINFO a", "unexpected end of input"},
		{"SOA a b 1 2 3 4", "unexpected end of input"},
		{"X25 123", "four digits at least"},
		{`X25 "1234"`, "1234"},
		{"SVCB 1 . mandatory=port alpn=h2", "a mandatory key is not there"},
		{"HTTPS 1 . mandatory=alpn alpn=h2", `1 . mandatory="alpn" alpn="h2"`},
		{`HTTPS 1 . alpn="h2,h3" port=53`, `1 . alpn="h2,h3" port="53"`},
		{`TXT a"b"`, `"a" "b"`},
		{"A 10.0.0.256", `bad A: "10.0.0.256"`},
		{`A \# 4 0a000001`, "10.0.0.1"},
		{`TYPE65534 \# 3 010203`, `\# 3 010203`},
		{`TYPE65534 \# 4 010203`, `bad RFC3597 Rdata: "4"`},
		{"TYPE65534 a", `bad RFC3597 Rdata: "a"`},
		{"APL", ""},
	} {
		if got := dataOf(t, test.text); got != test.want {
			t.Errorf("%s = %s, want %s", test.text, got, test.want)
		}
	}
}

// dataOf writes the data of a record in the library's form, or the error.
func dataOf(t *testing.T, text string) string {
	t.Helper()
	list, err := tokens(text)
	if err != nil {
		t.Fatal(err)
	}
	rtype, err := parseType(list[0].text)
	if err != nil {
		t.Fatal(err)
	}
	rr, err := parseData(rtype, list[1:], "z.test.")
	if err != nil {
		return err.Error()
	}
	rr.Header().Name = "."
	if _, ok := rr.(*dns.RFC3597); ok {
		_, data, _ := strings.Cut(rr.String(), `\#`)
		return `\#` + data
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

func TestAbsolute(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, test := range []struct{ text, origin, want string }{
		{"@", "z.test.", "z.test."},
		{"a", "z.test.", "a.z.test."},
		{"a", ".", "a."},
		{"a.", "z.test.", "a."},
		{".", "z.test.", "."},
		{`a\.`, "z.test.", `a\..z.test.`},
		{`\097B`, "z.test.", "aB.z.test."},
		{label, "z.test.", label + ".z.test."},
		{label + "a", "z.test.", ""},
		{"a..b", "z.test.", ""},
		{".a", "z.test.", ""},
		{"", "z.test.", ""},
		{strings.Repeat(label+".", 4), "z.test.", ""},
	} {
		if got, err := absolute(test.text, test.origin); got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("absolute(%q, %q) = %q, %v, want %q", test.text, test.origin, got, err, test.want)
		}
	}
}

func TestParseTTL(t *testing.T) {
	for _, test := range []struct {
		text string
		want uint32
		ok   bool
	}{
		{"0", 0, true}, {"300", 300, true}, {"4294967295", 1<<32 - 1, true}, {"4294967296", 0, false},
		{"1W2d3H4m5S", 788645, true}, {"1m1h", 3660, true}, {"0s", 0, true},
		{"1h30", 0, false}, {"h", 0, false}, {"1hh", 0, false}, {"", 0, false}, {"-1", 0, false}, {"1x", 0, false}, {"7102w", 0, false},
	} {
		if got, ok := parseTTL(test.text); got != test.want || ok != test.ok {
			t.Errorf("parseTTL(%q) = %d, %v, want %d, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]any{
		"a": dns.TypeA, "TYPE1": dns.TypeA, "type65534": uint16(65534), "wks": uint16(typeWKS), "NULL": dns.TypeNULL,
		"A1": errUnknownType, "TYPE65536": errUnknownType, "MD": errObsoleteType, "ANY": errMetaType, "TYPE0": errMetaType, "TYPE128": errMetaType, "OPT": errMetaType,
	} {
		got, err := parseType(text)
		if err != nil && err != want || err == nil && got != want {
			t.Errorf("parseType(%s) = %d, %v, want %v", text, got, err, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, template := range []string{"a$", "${0,3,d}", "$$", `\$`, "${-1,4,n}.x", "${1", "${9,99,X}$"} {
		f.Add(template, int64(7))
	}
	f.Fuzz(func(t *testing.T, template string, n int64) {
		n = n & maxSpan
		got, err := expand(template, n)
		if !strings.Contains(template, "$") && (err != nil || got != template) {
			t.Fatalf("expand(%q) = %q, %v, want it as it is", template, got, err)
		}
		if most := len(template) * 2 * maxWidth; len(got) > most {
			t.Fatalf("expand(%q) is %d octets long, want %d at most", template, len(got), most)
		}
	})
}
