package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/namedconf"
)

// The flags of the service stand in files of the machine, where nobody sees that
// they are wrong before the service does not start.
func TestReadService(t *testing.T) {
	for _, test := range []struct {
		name, named, forwarder string
		path                   string // that is checked
		ok                     func(*flags) bool
		want                   string // findings
	}{
		{
			name: "nothing", path: "/etc/named.conf",
			ok: func(f *flags) bool { return f.config == "/etc/named.conf" && !f.onlyIPv4 },
		},
		{
			name: "flags", named: "# of named\nOPTIONS=\"-4 -p 5353\"\n", path: "/etc/named.conf",
			ok: func(f *flags) bool { return f.onlyIPv4 && f.port == 5353 },
		},
		{
			name: "the last file wins", named: "OPTIONS=-4\n", forwarder: "OPTIONS=-6\n", path: "/etc/named.conf",
			ok: func(f *flags) bool { return f.onlyIPv6 && !f.onlyIPv4 },
		},
		{
			name: "refused", named: "\nOPTIONS=\"-4 -t /var/named/chroot\"\n", path: "/etc/named.conf",
			ok: func(f *flags) bool { return !f.onlyIPv4 },
			want: `named:2: error: OPTIONS="-4 -t /var/named/chroot": option -t is not supported: ` +
				"leave it to the service manager, RootDirectory= in systemd: the service does not start; leave it out\n",
		},
		{
			name: "unknown", forwarder: "OPTIONS=--frob\n", path: "/etc/named.conf", ok: func(*flags) bool { return true },
			want: "forwarder:1: error: OPTIONS=\"--frob\": unknown flag: --frob: the service does not start; leave it out\n",
		},
		{
			name: "a watched name", forwarder: "OPTIONS=\"--watch a..test\"\n", path: "/etc/named.conf", ok: func(*flags) bool { return true },
			want: "forwarder:1: error: OPTIONS=\"--watch a..test\": invalid argument \"a..test\" for \"--watch\" flag: \"a..test\" is no domain name: empty label: " +
				"the service does not start; leave it out\n",
		},
		{
			name: "ignored", named: "OPTIONS=\"-U 4\"\n", path: "/etc/named.conf", ok: func(*flags) bool { return true },
			want: "named:1: harmless: option -U is ignored: each worker has a socket of its own\n",
		},
		{
			name: "other file", named: "NAMEDCONF=/etc/other.conf\n", path: "/etc/named.conf",
			ok:   func(f *flags) bool { return f.config == "/etc/other.conf" },
			want: "named:1: change: the service reads '/etc/other.conf', not '/etc/named.conf', which is checked here\n",
		},
		{
			name: "other file by flag", named: "NAMEDCONF=/etc/named.conf\nOPTIONS=\"-c /srv/n.conf\"\n", path: "/etc/named.conf",
			ok:   func(f *flags) bool { return f.config == "/srv/n.conf" },
			want: "named:2: change: the service reads '/srv/n.conf', not '/etc/named.conf', which is checked here\n",
		},
		{
			name: "the file", named: "NAMEDCONF=/srv/../srv/n.conf\n", path: "/srv/n.conf",
			ok: func(f *flags) bool { return f.config == "/srv/../srv/n.conf" },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var paths []string
			for name, text := range map[string]string{"named": test.named, "forwarder": test.forwarder} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			paths = append(paths, filepath.Join(dir, "named"), filepath.Join(dir, "forwarder"), filepath.Join(dir, "missing"))
			s := readService(paths...)
			s.compareConfig(test.path)
			if got := strings.ReplaceAll(textOf(s.findings), dir+"/", ""); got != test.want || !test.ok(s.flags) {
				t.Errorf("readService(%q, %q) finds %q, want %q; flags %+v", test.named, test.forwarder, got, test.want, s.flags)
			}
		})
	}
}

// textOf writes findings with all their severities.
func textOf(findings []namedconf.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.Pos.String() + ": " + f.Severity.String() + ": " + f.Message + "\n")
	}
	return b.String()
}
