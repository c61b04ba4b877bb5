package route53

import (
	"slices"
	"strings"
	"testing"
)

func TestNormalName(t *testing.T) {
	for _, tt := range []struct{ name, want, problem string }{
		{"Example.COM", "example.com.", ""}, {"example.com.", "example.com.", ""}, {"*.example.com", `\052.example.com.`, ""},
		{`\052.example.com`, `\052.example.com.`, ""}, {`a\056b.com`, `a\056b.com.`, ""}, {"a!_-9.com", `a\041_-9.com.`, ""}, {".", ".", ""},
		{`\101.com`, "a.com.", ""}, {strings.Repeat("a", 63) + ".com", strings.Repeat("a", 63) + ".com.", ""},
		{"", "", "DomainEmpty"}, {"a..b", "", "DomainLabelEmpty"}, {".com", "", "DomainLabelEmpty"}, {strings.Repeat("a", 64) + ".com", "", "DomainLabelTooLong"},
		{strings.Repeat("abcdefg.", 32), "", "DomainNameTooLong"}, {`a\05`, "", "UnsupportedEscape"}, {`a\999.com`, "", "UnsupportedEscape"}, {`a\777.com`, "", "UnsupportedEscape"},
	} {
		got, err := normalName(tt.name)
		if got != tt.want || (err == nil) != (tt.problem == "") || err != nil && !strings.HasPrefix(err.Error(), tt.problem) {
			t.Errorf("normalName(%q) = %q, %v, want %q, %q", tt.name, got, err, tt.want, tt.problem)
		}
	}
}

// What is normal stays so, and comes back from DNS's form.
func FuzzNormalName(f *testing.F) {
	for _, seed := range []string{"Example.COM", `\052.a.`, "a b.c", `a\056b`, ".", "a\xffb", `\000`, "..", `"a\042;`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal, err := normalName(name)
		if err != nil {
			return
		}
		if again, err := normalName(normal); again != normal || err != nil {
			t.Errorf("normalName(%q) = %q, %v", normal, again, err)
		}
		if back := fromDNS(dnsName(normal)); back != normal {
			t.Errorf("fromDNS(dnsName(%q)) = fromDNS(%q) = %q", normal, dnsName(normal), back)
		}
	})
}

// The example of the API's reference: labels reversed, a dot at the end.
func TestCompareNames(t *testing.T) {
	want := []string{"com.", "example.com.", "b-1.example.com.", "b.example.com.", "a.b.example.com.", "www.example.com.", "example.org."}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNames)
	if !slices.Equal(got, want) {
		t.Errorf("in order: %q, want %q", got, want)
	}
}
