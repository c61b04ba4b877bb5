package wire

import (
	"strings"
	"testing"
)

func TestPackName(t *testing.T) {
	for _, test := range []struct{ name, packed, text string }{
		{name: ".", packed: "\x00", text: "."},
		{name: "WWW.Example.", packed: "\x03www\x07example\x00", text: "www.example."},
		{name: "www.example", packed: "\x03www\x07example\x00", text: "www.example."},
		{name: `a\.b\032c.`, packed: "\x05a.b c\x00", text: `a\.b\ c.`},
		{name: strings.Repeat("a", 64) + ".", packed: "", text: "?"},
		{name: "a..b.", packed: "", text: "?"},
	} {
		got := PackName(test.name)
		if got != test.packed {
			t.Errorf("PackName(%q) = %q, want %q", test.name, got, test.packed)
		}
		if text := NameText([]byte(got)); text != test.text {
			t.Errorf("NameText(PackName(%q)) = %q, want %q", test.name, text, test.text)
		}
	}
}
