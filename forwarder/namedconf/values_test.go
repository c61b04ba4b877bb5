package namedconf

import (
	"testing"
	"time"
)

func TestParseInteger(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint32
		ok   bool
	}{
		{"0", 0, true}, {"10", 10, true}, {"010", 8, true}, {"0x10", 16, true}, {"0X10", 16, true}, {"00", 0, true},
		{"4294967295", 4294967295, true}, {"4294967296", 0, false}, {"037777777777", 4294967295, true},
		{"", 0, false}, {"08", 0, false}, {"0x", 0, false}, {"0x1f", 0, false}, {"1k", 0, false}, {"-1", 0, false},
		{"+1", 0, false}, {"0x+1", 0, false}, {"1_0", 0, false}, {"1.0", 0, false},
	} {
		if got, ok := parseInteger(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("parseInteger(%q) = %d, %t, want %d, %t", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true}, {"010", 10, true}, {"5k", 5 << 10, true}, {"5K", 5 << 10, true}, {"5m", 5 << 20, true},
		{"5M", 5 << 20, true}, {"5g", 5 << 30, true}, {"5G", 5 << 30, true}, {"16777215g", 16777215 << 30, true},
		{"18446744073709551616", 1<<64 - 1, true}, {"17179869184g", 0, false}, {"99999999999999999999g", 0, false},
		{"", 0, false}, {"k", 0, false}, {"5t", 0, false}, {"5mb", 0, false}, {"1.5m", 0, false}, {"-1", 0, false}, {"0x10", 0, false},
	} {
		if got, ok := parseSize(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("parseSize(%q) = %d, %t, want %d, %t", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		text   string
		want   time.Duration
		normal string // "" is an error
	}{
		{"0", 0, "0"}, {"60", time.Minute, "60"}, {"060", time.Minute, "60"}, {"1h30m", 90 * time.Minute, "5400"},
		{"1W2D3h4M5s", 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second, "788645"}, {"1s1h", time.Hour + time.Second, "3601"},
		{"PT1H", time.Hour, "PT1H"}, {"pt1h", time.Hour, "PT1H"}, {"P1D", day, "P1D"}, {"P1M", 31 * day, "P1M"}, {"P1Y", 365 * day, "P1Y"},
		{"P1W", 7 * day, "P1W"}, {"PT1M", time.Minute, "PT1M"}, {"P1DT1S", day + time.Second, "P1DT1S"}, {"P1DT", day, "P1D"},
		{"P0Y007D", 7 * day, "P7D"}, {"P", 0, "PT0S"}, {"PT", 0, "PT0S"}, {"P0W", 0, "PT0S"},
		{"4294967295", (1<<32 - 1) * time.Second, "4294967295"}, {"P50000D", (1<<32 - 1) * time.Second, "P50000D"},
		{"", 0, ""}, {"h", 0, ""}, {"1h30", 0, ""}, {"1x", 0, ""}, {"4294967296", 0, ""}, {"60000w", 0, ""}, {"P4294967296D", 0, ""},
		{"P1W1D", 0, ""}, {"P1WT1S", 0, ""}, {"P1D1Y", 0, ""}, {"PT1D", 0, ""}, {"P1H", 0, ""}, {"PT1S1H", 0, ""}, {"P1", 0, ""}, {"-1", 0, ""},
		{"unlimited", 0, ""}, {"0x10", 0, ""}, {"1.5h", 0, ""},
	} {
		got, ok := ParseDuration(c.text)
		if ok != (c.normal != "") || ok && got != c.want {
			t.Errorf("ParseDuration(%q) = %v, %t, want %v, %t", c.text, got, ok, c.want, c.normal != "")
		}
		if normal, ok := normalDuration(c.text); ok && normal != c.normal {
			t.Errorf("normalDuration(%q) = %q, want %q", c.text, normal, c.normal)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for _, c := range []struct {
		text, want string // "" is an error
		short      bool
	}{
		{"10", "10.0.0.0", true}, {"172.16", "172.16.0.0", true}, {"192.168.1", "192.168.1.0", true},
		{"192.0.2.1", "192.0.2.1", false}, {"2001:DB8::1", "2001:db8::1", false}, {"fe80::1%eth0", "fe80::1%eth0", false},
		{"", "", false}, {"256", "", false}, {"010", "", false}, {"10.", "", false}, {".1", "", false}, {"1.2.3.4.5", "", false},
		{"a", "", false}, {"10.0.0.0.", "", false},
	} {
		got, short, ok := parseNetwork(c.text)
		if ok != (c.want != "") || ok && (got.String() != c.want || short != c.short) {
			t.Errorf("parseNetwork(%q) = %v, %t, %t, want %s, %t", c.text, got, short, ok, c.want, c.short)
		}
	}
}

// FuzzDuration checks that the normal form of a duration is a duration as
// long, and its own normal form.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"60", "1h30m", "P1Y2M3DT4H5M6S", "P1W", "PT", "p0d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := ParseDuration(s)
		normal, valid := normalDuration(s)
		if ok != valid {
			t.Fatalf("ParseDuration(%q) and normalDuration disagree: %t, %t", s, ok, valid)
		}
		if !ok {
			return
		}
		if again, ok := ParseDuration(normal); !ok || again != d {
			t.Fatalf("ParseDuration(%q) = %v, but of its normal form %q %v, %t", s, d, normal, again, ok)
		}
		if again, _ := normalDuration(normal); again != normal {
			t.Fatalf("normalDuration(%q) = %q, want no change", normal, again)
		}
	})
}
