package namedconf

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	options := strings.Fields("forward forwarders recursion allow-query allow-query-cache port listen-on listen-on-v6 file key")
	for word, want := range map[string]string{
		"forwaders":         "forwarders", // missing
		"forwarderss":       "forwarders", // too much
		"forwardres":        "forwarders", // changed with its neighbour
		"Recursoin":         "recursion",  // in any case
		"allow-qeury-cahce": "allow-query-cache",
		"allow_query":       "allow-query",
		"listenon":          "listen-on",
		"fiel":              "file",
		"prot":              "port",
		"kee":               "key",
		"frob":              "",
		"ab":                "",
		"xyz":               "",
		"":                  "",
	} {
		if got, ok := Nearest(word, options); got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %t, want %q", word, got, ok, want)
		}
	}
}
