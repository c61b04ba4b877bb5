package main

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Each octet of a text reaches the record as it was given.
func TestOverrideText(t *testing.T) {
	for _, text := range []string{"plain", "", `a"b\c`, `\x1b \t \065`, "\x00\x07\x1b[31m\x7f\n", "é\u200b\u00a0", "\xff\xfe", "; ( ) @ $"} {
		rr, err := dns.NewRR("a.test. 0 IN TXT " + dataOf(dns.TypeTXT, []string{text})[0])
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		msg := make([]byte, 1024)
		n, err := dns.PackRR(rr, msg, 0, nil, false)
		if want := string(rune(len(text))) + text; err != nil || len(text) < 0x80 && !strings.HasSuffix(string(msg[:n]), want) {
			t.Errorf("%q becomes %q, %v", text, msg[:n], err)
		}
	}
}
