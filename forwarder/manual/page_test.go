package manual

import "testing"

// What is in a text never is a request of roff, and can be copied.
func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".TH is a macro":    `\&.TH is a macro`,
		"'quoted'":          `\&\(aqquoted\(aq`,
		"a\n.b":             "a\n" + `\&.b`,
		`C:\dir --flag`:     `C:\e` + `dir \-\-flag`,
		"{ match; … }":      `{ match; \[u2026] }`,
		"^top~ `code` done": `\(hatop\(ti \(gacode\(ga done`,
	} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q) = %q, want %q", text, got, want)
		}
	}
}
