package main

import (
	"io"
	"strings"
	"testing"

	"vpcdns/forwarder/version"
)

func TestFlags(t *testing.T) {
	tests := []struct {
		args string
		ok   func(*flags) bool // nil: an error is wanted
	}{
		{"", func(f *flags) bool {
			return f.config == "/etc/named.conf" && f.metricsAddress == "127.0.0.1:9153" &&
				f.upstreamPPS == 900 && f.port == 0 && f.background()
		}},
		{"-c my.conf -f", func(f *flags) bool { return f.config == "my.conf" && !f.background() }},
		{"-g -d 3", func(f *flags) bool { return f.stderr && f.debug == 3 && !f.background() }},
		{"-gd3", func(f *flags) bool { return f.stderr && f.debug == 3 }},
		{"--config my.conf --foreground", func(f *flags) bool { return f.config == "my.conf" && f.foreground }},
		{"-p 5353", func(f *flags) bool { return f.port == 5353 }},
		{"-p dns=5353", func(f *flags) bool { return f.port == 5353 }},
		{"-4 -n 2", func(f *flags) bool { return f.onlyIPv4 && f.workers == 2 }},
		{"-6 -u named", func(f *flags) bool { return f.onlyIPv6 && f.user == "named" }},
		{"-L /tmp/log", func(f *flags) bool { return f.logFile == "/tmp/log" }},
		{"--metrics-address= --upstream-pps 0", func(f *flags) bool { return f.metricsAddress == "" && f.upstreamPPS == 0 }},
		{"--metrics-address ::1#9154", func(f *flags) bool { return f.metricsAddress == "[::1]:9154" }},
		{"--health-address #9154", func(f *flags) bool { return f.healthAddress == ":9154" }},
		{"--control-address ::1#954", func(f *flags) bool { return f.control.String() == "::1#954" }},
		{"--listen [::1]:5353", func(f *flags) bool { return f.listen.String() == "::1#5353" }},
		{"--listen fe80::1%eth0#53", func(f *flags) bool { return f.listen.String() == "fe80::1%eth0#53" }},
		{"--listen 127.0.0.1#53", func(f *flags) bool { return f.listen.String() == "127.0.0.1#53" }},
		{"--watch App.corp.test --watch *.lab.corp.test.", func(f *flags) bool { return f.watch.names.String() == "app.corp.test.,*.lab.corp.test." }},
		{"--watch a..test", nil},
		{"--watch a.*.test", nil},
		{"--watch *", nil},
		{"--watch .", nil},
		{"--watch=", nil},
		{"--watch-ttl 1m", func(f *flags) bool { return f.watch.ttl == 60 }},
		{"", func(f *flags) bool { return f.watch.ttl == 0 && f.watch.label == "now" && f.watch.stateFile == "" }},
		{"--watch-ttl -1", nil},
		{"--watch-ttl 2147483648", nil},
		{"--watch-ttl soon", nil},
		{"--probe-label _Probe-1", func(f *flags) bool { return f.watch.label == "_probe-1" }},
		{"--probe-label a.b", nil},
		{"--probe-label *", nil},
		{"--probe-label=", nil},
		{"--override-zone corp.TEST --override-zone .", func(f *flags) bool { return f.watch.zones.String() == "corp.test.,." }},
		{"--override-zone a..test", nil},
		{"--override-zone=", nil},
		{"--state-file state", func(f *flags) bool { return f.watch.stateFile == "state" }},
		{"--listen 127.0.0.1#", nil},
		{"--listen localhost:5353", nil},
		{"--listen 127.0.0.1", nil},
		{"-v", func(f *flags) bool { return f.version }},
		{"-V", func(f *flags) bool { return f.buildInfo }},
		{"-h", func(f *flags) bool { return f.help }},
		{"--options", func(f *flags) bool { return f.options && f.option == "" }},
		{"--options prefetch", func(f *flags) bool { return f.options && f.option == "prefetch" }},
		{"--options prefetch recursion", nil},
		{"--demo", func(f *flags) bool { return f.demo }},
		{"-U 4 -S 1024 -m record -M fill -D x -s -X none -T nosyslog -E pkcs11 -N 1 -x 1", nil},
		{"-U 4 -S 1024 -m record -M fill -D x -s -X none -T nosyslog -E pkcs11 -N 1", func(f *flags) bool {
			return len(f.ignored) == 10 && strings.HasPrefix(f.ignored[0], "option -D is ignored: ")
		}},
		{"--check-config", func(f *flags) bool { return f.check && !f.print && f.config == "/etc/named.conf" }},
		{"--check-config -p", func(f *flags) bool { return f.check && f.print }},
		{"--check-config -p my.conf", func(f *flags) bool { return f.print && f.config == "my.conf" }},
		{"--check-config my.conf -z", func(f *flags) bool { return !f.print && f.config == "my.conf" }},
		{"-c my.conf --check-config", func(f *flags) bool { return f.check && f.config == "my.conf" }},
		{"--check-config --help", func(f *flags) bool { return f.help }},
		{"--check-config a b", nil},
		{"--check-config -v -u named -x", func(f *flags) bool { return f.verbose && !f.version && f.user == "named" && f.hideSecrets }},
		{"--check-config -t /srv -c my.conf", func(f *flags) bool { return f.root == "/srv" && f.config == "my.conf" }},
		{"--check-config -i -j", func(f *flags) bool { return len(f.ignored) == 2 }},
		{"--check-config -l", nil},
		{"--check-config -p 53 my.conf", nil},
		{"-p abc", nil},
		{"-p 0", nil},
		{"-p 65536", nil},
		{"-p tls=853", nil},
		{"-n x", nil},
		{"-n -1", nil},
		{"-d -1", nil},
		{"-Q", nil},
		{"-4 -6", nil},
		{"extra", nil},
		{"-c", nil},
		{"-t /var/named/chroot", nil},
		{"-C", nil},
		{"-F", nil},
		{"-A legacy", nil},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			f, err := parseFlags(strings.Fields(test.args))
			switch {
			case test.ok == nil && err == nil:
				t.Errorf("parseFlags(%q) = %+v, want an error", test.args, f)
			case test.ok != nil && err != nil:
				t.Errorf("parseFlags(%q) = %v, want no error", test.args, err)
			case test.ok != nil && !test.ok(f):
				t.Errorf("parseFlags(%q) = %+v, want something else", test.args, f)
			}
		})
	}
}

// Every letter that named takes is one that we have an opinion on.
func TestAllLettersOfNamed(t *testing.T) {
	const letters = "46ACDEFLMNSTUVXcdfgmnpstuvx"
	set := newFlags().set
	for _, letter := range letters {
		if set.ShorthandLookup(string(letter)) == nil {
			t.Errorf("-%c is unknown, want it honoured, ignored or refused", letter)
		}
	}
}

func TestRun(t *testing.T) {
	tests := []struct {
		args           string
		status         int
		stdout, stderr string
	}{
		{args: "--help", stdout: "Exit status:"},
		{args: "--check-config --help", stdout: "--check-config [-pvx]"},
		{args: "-v", stdout: "forwarder " + version.Number + "\n"},
		{args: "--version", stdout: "forwarder "},
		{args: "-V", stdout: "forwarder " + version.Number + "\n"},
		{args: "-V", stdout: "with github.com/miekg/dns v"},
		{args: "--nonsense", status: exitUsage, stderr: "forwarder: unknown flag: --nonsense\nTry 'forwarder --help'.\n"},
		{args: "-p 99999", status: exitUsage, stderr: "not a number from 1 to 65535"},
		{args: "extra", status: exitUsage, stderr: "extra: neither a flag nor a verb"},
		{args: "-t /", status: exitUsage, stderr: "RootDirectory="},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr strings.Builder
			got := run(strings.Fields(test.args), &stdout, &stderr)
			if got != test.status {
				t.Errorf("run(%q) = %d, want %d", test.args, got, test.status)
			}
			if !strings.Contains(stdout.String(), test.stdout) || test.stdout == "" && stdout.Len() > 0 {
				t.Errorf("run(%q) printed %q, want %q", test.args, stdout.String(), test.stdout)
			}
			if !strings.Contains(stderr.String(), test.stderr) || test.stderr == "" && stderr.Len() > 0 {
				t.Errorf("run(%q) said %q, want %q", test.args, stderr.String(), test.stderr)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	tests := []struct {
		name, said string
		err        error
		stderr     string
	}{
		{name: "ready", said: "\x00"},
		{name: "ready with a warning", said: "careful\n\x00", stderr: "careful\n"},
		{name: "failed", said: "no such file\n", err: errNotStarted, stderr: "no such file\n"},
		{name: "killed", err: errNotStarted, stderr: "forwarder: the server ended before it was ready\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"at once":        strings.NewReader(test.said),
				"octet by octet": &dribble{test.said},
			} {
				var stderr strings.Builder
				got := follow(r, &stderr)
				if got != test.err || stderr.String() != test.stderr {
					t.Errorf("follow(%q, %s) = %v, %q; want %v, %q", test.said, name, got, stderr.String(), test.err, test.stderr)
				}
			}
		})
	}
}

// dribble reads one octet at a time.
type dribble struct{ left string }

func (d *dribble) Read(p []byte) (int, error) {
	if d.left == "" {
		return 0, io.EOF
	}
	p[0], d.left = d.left[0], d.left[1:]
	return 1, nil
}
