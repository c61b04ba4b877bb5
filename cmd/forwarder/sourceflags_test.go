package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/config"
)

func TestQuerySourceFlag(t *testing.T) {
	var many []string
	for i := range 17 {
		many = append(many, "--query-source", netip.AddrFrom4([4]byte{10, 79, 1, byte(i + 1)}).String())
	}
	for _, tc := range []struct {
		args []string
		want string // the addresses
		err  string
	}{
		{nil, "", ""},
		{[]string{"--query-source", "10.79.1.10"}, "10.79.1.10", ""},
		{[]string{"--query-source", "10.79.1.10", "--query-source=fd00::11", "--query-source", "10.79.1.11"}, "10.79.1.10,fd00::11,10.79.1.11", ""},
		{[]string{"--query-source", "10.79.1.10", "--query-source", "::ffff:10.79.1.10"}, "10.79.1.10", ""},
		{many[:32], "", ""},
		{many, "", "one too many"},
		{[]string{"--query-source", "10.79.1.10#53"}, "", "give the address alone"},
		{[]string{"--query-source", "10.79.1.10:53"}, "", "give the address alone"},
		{[]string{"--query-source", "[fd00::11]:53"}, "", "give the address alone"},
		{[]string{"--query-source", "10.79.1"}, "", "is not like"},
		{[]string{"--query-source", "fe80::1%eth0"}, "", "is not like"},
		{[]string{"--query-source", ""}, "", "is not like"},
		{[]string{"--query-source", "*"}, "", "is not like"},
		{[]string{"--query-source", "10.79.1.0/24"}, "", "is not like"},
		{[]string{"--query-source", "0.0.0.0"}, "", "leave the flag out"},
		{[]string{"--query-source", "::"}, "", "leave the flag out"},
		{[]string{"--query-source", "224.0.0.1"}, "", "leave the flag out"},
	} {
		f, err := parseFlags(tc.args)
		switch {
		case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%q: %v, want %q", tc.args, err, tc.err)
		case tc.err == "" && err != nil:
			t.Errorf("%q: %v", tc.args, err)
		case tc.err == "" && tc.want != "" && f.querySources.String() != tc.want:
			t.Errorf("%q: %s, want %s", tc.args, f.querySources.String(), tc.want)
		}
	}
}

// The flag wins over the options of its own family, and says so; `none` holds.
func TestQuerySourceWins(t *testing.T) {
	const zone = `zone "a.test" { type forward; forward only; forwarders { 10.79.0.2; fd00::2; }; };`
	for _, tc := range []struct {
		name, options string
		flags         querySources
		want          []string
		notices       []string
	}{
		{name: "neither"},
		{name: "the option", options: "query-source 10.0.0.1;", want: []string{"10.0.0.1"}},
		{name: "both", options: "query-source 10.0.0.1; query-source-v6 fd00::1;", flags: querySources{netip.MustParseAddr("10.79.1.10"), netip.MustParseAddr("10.79.1.11")},
			want: []string{"fd00::1", "10.79.1.10", "10.79.1.11"}, notices: []string{"query-source 10.0.0.1 does not count: --query-source says 10.79.1.10, 10.79.1.11"}},
		{name: "IPv6", options: "query-source 10.0.0.1; query-source-v6 fd00::1;", flags: querySources{netip.MustParseAddr("fd00::11")},
			want: []string{"10.0.0.1", "fd00::11"}, notices: []string{"query-source-v6 fd00::1 does not count: --query-source says fd00::11"}},
		{name: "closed", options: "query-source none;", flags: querySources{netip.MustParseAddr("10.79.1.10")},
			want: []string{"10.79.1.10"}, notices: []string{"--query-source 10.79.1.10 is of no use: no server is asked over IPv4"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "named.conf")
			if err := os.WriteFile(path, []byte("options { "+tc.options+" };"+zone), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, report, err := config.Loader{}.Load(path)
			if err != nil {
				t.Fatalf("%v %v", err, report.Findings)
			}
			notices := tc.flags.apply(cfg)
			var got []string
			for _, a := range cfg.Sources {
				got = append(got, a.String())
			}
			if !slices.Equal(got, tc.want) || !slices.Equal(notices, tc.notices) {
				t.Errorf("sources %q, notices %q; want %q, %q", got, notices, tc.want, tc.notices)
			}
		})
	}
}
