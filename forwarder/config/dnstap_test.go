package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/logging"
)

// tapTo is an options block that taps to a file, and more.
func tapTo(more string) string { return opts(`dnstap-output file "tap"; ` + more) }

// dnstapSnippets are held against named-checkconf as others.
var dnstapSnippets = []snippet{
	{"dnstap", tapTo("dnstap { all; };"), ""},
	{"dnstap without output", opts("dnstap { all; };"), ""},
	{"dnstap of nothing without output", opts("dnstap { };"), ""},
	{"dnstap-output without dnstap", tapTo(""), ""},
	{"dnstap of nothing", tapTo("dnstap { };"), ""},
	{"dnstap of several", tapTo("dnstap { client query; client response; auth; forwarder; resolver; update query; };"), ""},
	{"dnstap of one twice", tapTo("dnstap { client; client; };"), ""},
	{"dnstap in capitals", opts(`dnstap { All; }; dnstap-output File "x";`), ""},
	{"dnstap of an unknown kind", tapTo("dnstap { recursive; };"), ""},
	{"dnstap of an unknown way", tapTo("dnstap { client both; };"), ""},
	{"dnstap of a quoted kind", tapTo(`dnstap { "all"; };`), ""},
	{"dnstap of two kinds at once", tapTo("dnstap { auth client; };"), ""},
	{"dnstap twice", tapTo("dnstap { auth; }; dnstap { client; };"), ""},
	{"dnstap in a view", `options { dnstap-output file "x"; }; view "v" { dnstap { client; }; };`, ""},
	{"dnstap-output in a view", `view "v" { dnstap-output file "x"; };`, ""},
	{"dnstap-output of its own", opts(`dnstap { all; }; dnstap-output unix "/run/tap.sock";`), ""},
	{"dnstap-output over TCP", opts(`dnstap-output tcp "x";`), ""},
	{"dnstap-output without mode", opts(`dnstap-output "x";`), ""},
	{"dnstap-output unquoted", opts("dnstap-output file x;"), ""},
	{"dnstap-output of no name", opts(`dnstap { all; }; dnstap-output file "";`), "nothing can be written there"},
	{"dnstap-output rolled", opts(`dnstap-output file "x" versions 3 suffix increment size 20m;`), ""},
	{"dnstap-output without limits", opts(`dnstap-output file "x" size unlimited versions unlimited;`), ""},
	{"dnstap-output of default size", opts(`dnstap-output file "x" size default;`), ""},
	{"dnstap-output of two sizes", opts(`dnstap-output file "x" size 1m size 2m;`), ""},
	{"dnstap-output without versions", opts(`dnstap-output file "x" versions 0;`), ""},
	{"dnstap-output with a suffix", opts(`dnstap-output file "x" suffix date;`), ""},
	{"dnstap-output, a socket with size", opts(`dnstap { all; }; dnstap-output unix "x" size 1m;`), ""},
	{"dnstap-output, a socket with versions", opts(`dnstap { all; }; dnstap-output unix "x" versions 2;`), ""},
	{"dnstap-output, a socket with suffix", opts(`dnstap { all; }; dnstap-output unix "x" suffix timestamp;`), ""},
	{"dnstap-output, a socket that is not used, with size", opts(`dnstap-output unix "x" size 1m;`), ""},
	{"dnstap-identity", opts(`dnstap-identity "here"; dnstap-version "1";`), ""},
	{"dnstap-identity none", opts("dnstap-identity none; dnstap-version none;"), ""},
	{"dnstap-identity hostname", opts("dnstap-identity hostname;"), ""},
	{"dnstap-identity unquoted", opts("dnstap-identity here;"), ""},
	{"dnstap-version hostname", opts("dnstap-version hostname;"), ""},
	{"fstrm bounds, lowest", opts("fstrm-set-buffer-hint 1024; fstrm-set-flush-timeout 1; fstrm-set-input-queue-size 2; fstrm-set-output-queue-size 2; fstrm-set-reopen-interval 1;"), ""},
	{"fstrm bounds, highest", opts("fstrm-set-buffer-hint 65536; fstrm-set-flush-timeout 600; fstrm-set-input-queue-size 16384; fstrm-set-output-queue-size 1024; fstrm-set-reopen-interval 10m;"), ""},
	{"fstrm-set-buffer-hint low", opts("fstrm-set-buffer-hint 1023;"), ""},
	{"fstrm-set-buffer-hint high", opts("fstrm-set-buffer-hint 65537;"), ""},
	{"fstrm-set-flush-timeout low", opts("fstrm-set-flush-timeout 0;"), ""},
	{"fstrm-set-flush-timeout high", opts("fstrm-set-flush-timeout 601;"), ""},
	{"fstrm-set-input-queue-size low", opts("fstrm-set-input-queue-size 1;"), ""},
	{"fstrm-set-input-queue-size high", opts("fstrm-set-input-queue-size 32768;"), ""},
	{"fstrm-set-input-queue-size, no power of 2", opts("fstrm-set-input-queue-size 500;"), ""},
	{"fstrm-set-output-notify-threshold", opts("fstrm-set-output-notify-threshold 0;"), ""},
	{"fstrm-set-output-queue-size high", opts("fstrm-set-output-queue-size 1025;"), ""},
	{"fstrm-set-reopen-interval low", opts("fstrm-set-reopen-interval 0;"), ""},
	{"fstrm-set-reopen-interval high", opts("fstrm-set-reopen-interval 601;"), ""},
}

// What the options say is in the Config, with named's defaults.
func TestDnstap(t *testing.T) {
	byDefault := defaultDnstap()
	if byDefault.Identity == "" || !strings.HasPrefix(byDefault.Version, "forwarder ") {
		t.Errorf("by default identity and version are %q, %q, want those of this host and program", byDefault.Identity, byDefault.Version)
	}
	const all = DnstapAuth | DnstapClient | DnstapResolver | DnstapUpdate
	for _, test := range []struct {
		options string
		edit    func(*Dnstap)
	}{
		{`dnstap { all; }; dnstap-output unix "s";`, func(d *Dnstap) { d.Queries, d.Responses, d.Socket, d.Path = all, all, true, "s" }},
		{`dnstap { client; auth query; resolver response; }; dnstap-output file "f" size 1m;`, func(d *Dnstap) {
			d.Queries, d.Responses, d.Path, d.Size = DnstapClient|DnstapAuth, DnstapClient|DnstapResolver, "f", 1<<20
		}},
		{`dnstap { update; forwarder; }; dnstap-output file "/f" versions 0;`, func(d *Dnstap) {
			both := DnstapUpdate | DnstapForwarder
			d.Queries, d.Responses, d.Path, d.Versions = both, both, "/f", logging.Restart
		}},
		{`dnstap { forwarder; resolver query; }; dnstap-output file "/f";`, func(d *Dnstap) {
			d.Queries, d.Responses, d.Path = DnstapResolver, DnstapForwarder, "/f"
		}},
		{`dnstap-output file "f" suffix timestamp versions 2; dnstap-identity none; dnstap-version none; fstrm-set-reopen-interval 7;`, func(d *Dnstap) {
			d.Path, d.SuffixTimestamp, d.Versions, d.Identity, d.Version, d.Reopen = "f", true, 2, "", "", 7*time.Second
		}},
		{`dnstap-identity "me"; dnstap-version "v";`, func(d *Dnstap) { d.Identity, d.Version = "me", "v" }},
		{`dnstap-identity hostname;`, func(*Dnstap) {}},
	} {
		want := byDefault
		if test.edit(&want); want.Path != "" && !filepath.IsAbs(want.Path) {
			want.Path = "/var/named/" + want.Path
		}
		cfg, _, err := Load(writeConf(t, opts(`directory "/var/named"; `+test.options)))
		if err != nil {
			t.Errorf("%s: %v", test.options, err)
		} else if cfg.Dnstap != want {
			t.Errorf("%s: %+v, want %+v", test.options, cfg.Dnstap, want)
		}
	}
}

// A mistake is told once: that dnstap-output is missing is not said where it is wrong.
func TestDnstapOutputWrong(t *testing.T) {
	for _, output := range []string{`tcp "x"`, `"x"`, `file "x" suffix date`, `file "x" size 20%`} {
		_, _, got := ours(t, opts("dnstap { all; }; dnstap-output "+output+";"))
		if !strings.Contains(got, "expected") || strings.Contains(got, "must be set") {
			t.Errorf("dnstap-output %s: %q, want what was expected there alone", output, got)
		}
	}
}
