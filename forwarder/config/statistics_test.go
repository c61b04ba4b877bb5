package config

import (
	"net/netip"
	"strings"
	"testing"

	"vpcdns/acl"
)

func TestStatisticsChannels(t *testing.T) {
	cfg := load(t, `acl us { 10/8; };
		statistics-channels {
			inet 127.0.0.1 allow { us; };
			inet * port 8053;
			inet ::1 port 8053 allow { any; };
		};
		statistics-channels { inet ::1 port 8053 allow { none; }; inet 127.0.0.1 port 8054 allow { missing; }; };`)
	us, them, none := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::1")
	want := []struct {
		addr    string
		us, all bool
	}{{"127.0.0.1:80", true, false}, {"0.0.0.0:8053", true, true}, {"[::1]:8053", false, false}}
	if len(cfg.Statistics) != len(want) {
		t.Fatalf("Statistics = %v, want %v", cfg.Statistics, want)
	}
	for i, w := range want {
		c := cfg.Statistics[i]
		allow := c.Allow.Compile(acl.Env{})
		if c.Addr != netip.MustParseAddrPort(w.addr) || allow.Match(us) != w.us || allow.Match(them) != w.all || allow.Match(none) != w.all {
			t.Errorf("Statistics[%d] = %v, want %+v", i, c, w)
		}
	}
}

// A list that is not known costs the channel, not the server.
func TestStatisticsUnknownList(t *testing.T) {
	_, report, err := Load(writeConf(t, "options { forwarders { 192.0.2.1; }; forward only; dnssec-validation no; };\nstatistics-channels { inet 127.0.0.1 allow { missing; }; };"))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range report.Findings {
		_, said, _ := strings.Cut(f.String(), ".conf")
		text += said + "\n"
	}
	want := ":2:23: no statistics channel at 127.0.0.1: who may read it is not known\n:2:46: undefined ACL 'missing'\n"
	if text != want {
		t.Errorf("findings:\n%swant:\n%s", text, want)
	}
}
