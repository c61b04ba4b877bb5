package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/workbench"
)

// machineFile is one of a machine that is to be migrated.
type machineFile struct {
	path, text string
	uid        int
	mode       os.FileMode // 0: 0644
}

// accounts are those that every machine has.
var accounts = []machineFile{
	{path: "etc/passwd", text: "root:x:0:0:root:/root:/bin/sh\nnamed:x:25:25:Named:/var/named:/bin/false\n"},
	{path: "etc/group", text: "root:x:0:\nnamed:x:25:\n"},
}

// migratedMachines are layouts of files, each with the report that an operator reads
// of it: testdata/migrate/NAME.txt.
var migratedMachines = []struct {
	name   string
	stock  []string // directories of testdata/named.conf, laid out as /
	args   []string
	files  []machineFile
	status int
}{
	{
		name: "al2", stock: []string{"amazon-linux-2", "amazon-linux"}, status: somethingChanges,
		files: []machineFile{{path: "etc/os-release", text: "NAME=\"Amazon Linux\"\nVERSION=\"2\"\nID=\"amzn\"\nVERSION_ID=\"2\"\n"}},
	},
	{name: "al2023", stock: []string{"amazon-linux-2023", "amazon-linux"}, status: somethingChanges},
	{
		name: "nothing", status: nothingChanges,
		files: []machineFile{
			{path: "etc/named.conf", text: plainConf("")},
			{path: "etc/rndc.key", text: "key \"rndc-key\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n", uid: 25, mode: 0o600},
			{path: "etc/cron.d/dns", text: "# systemctl restart named\n0 3 * * * root /usr/sbin/rndc flush\n"},
		},
	},
	{
		name: "debian", args: []string{"/etc/bind/named.conf"}, status: somethingChanges,
		files: []machineFile{
			{path: "etc/bind/named.conf", text: "include \"/etc/bind/named.conf.options\";\ninclude \"/etc/bind/named.conf.local\";\n" +
				"include \"/etc/bind/named.conf.default-zones\";\n"},
			{path: "etc/bind/named.conf.options", text: "options {\n\tdirectory \"/var/cache/bind\";\n\tforwarders { 10.79.0.2; };\n" +
				"\tdnssec-validation auto;\n\tlisten-on { 127.0.0.1; };\n\tlisten-on-v6 { none; };\n};\n"},
			{path: "etc/bind/named.conf.local", text: "zone \"corp.example\" { type forward; forwarders { 10.0.0.53; }; };\n"},
			{path: "etc/default/named", text: "# options for named\nOPTIONS=\"-u bind -4\"\n"},
			{path: "etc/apparmor.d/usr.sbin.named", text: "profile named /usr/sbin/named {}\n"},
			{path: "etc/ppp/ip-up.d/bind9", text: "#!/bin/sh\n[ -x /usr/sbin/rndc ] && rndc reload corp.example\n"},
		},
	},
	{
		name: "lived-in", status: mendFirst,
		files: []machineFile{
			{path: "etc/named.conf", text: `options {
	listen-on { 127.0.0.1; };
	listen-on-v6 { none; };
	forwaders { 10.79.0.2; };
	querylog yes;
	sortlist { 10.0.0.0/8; };
	interface-interval 60;
};
logging {
	channel simple { file "/var/log/named/bind.log"; severity warning; };
	category default { simple; };
};
zone "intern.example" { type slave; masters { 10.0.0.5; }; file "intern.db"; };
`, mode: 0o640},
			{path: "var/log/named/bind.log", mode: 0o600},
			{path: "etc/sysconfig/named", text: "OPTIONS=\"-4 -t /var/named/chroot\"\n"},
			{path: "etc/resolv.conf", text: "search example\nnameserver 127.0.0.1\n"},
			{path: "etc/logrotate.d/named", text: "/var/log/named/*.log {\n    postrotate\n        /usr/bin/systemctl reload named.service\n    endscript\n}\n"},
			{path: "etc/cron.d/dns", text: "*/5 * * * * root systemctl is-active -q named || service named restart\n"},
			{path: "usr/local/sbin/dns-check", text: "#!/bin/sh\npgrep -x named || exit 2\nrndc status\ncurl -s http://127.0.0.1:8053/json/v1/server\n", mode: 0o755},
			{path: "usr/local/bin/program", text: "\x7fELF\x00rndc reload a\n"},
			{path: "etc/systemd/system/named.service.d/limits.conf", text: "[Service]\nLimitNOFILE=65536\n"},
			{path: "etc/systemd/system/app.service", text: "[Unit]\nAfter=named.service\n"},
			{path: "etc/selinux/config", text: "SELINUX=enforcing\n"},
			{path: "etc/selinux/targeted/contexts/files/file_contexts.local", text: "/srv/dns(/.*)?    system_u:object_r:named_zone_t:s0\n"},
		},
	},
}

// An operator reads what changes on his machine.
func TestMigrateCheck(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t) // for chroot(2), and to give files to users
	binary := lab.BuildReleased(t)
	for _, m := range migratedMachines {
		t.Run(m.name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range m.stock {
				if err := os.CopyFS(root, os.DirFS(filepath.Join("../../testdata/named.conf", dir))); err != nil {
					t.Fatal(err)
				}
			}
			layOut(t, root, append(accounts, m.files...))
			status, out := runStatus(t, binary, append([]string{"migrate-check", "--root", root}, m.args...)...)
			if status != m.status {
				t.Errorf("migrate-check = %d, want %d", status, m.status)
			}
			holdReport(t, filepath.Join("testdata/migrate", m.name+".txt"), out)
		})
	}
}

func layOut(t *testing.T, root string, files []machineFile) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(root, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if f.mode == 0 {
			f.mode = 0o644
		}
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, f.uid, f.uid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
}

// runStatus returns the exit status of a program and all that it prints.
func runStatus(t *testing.T, program string, args ...string) (int, string) {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

func holdReport(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the report is\n%s\nwant, as in %s,\n%s", got, golden, want)
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(line)) - 1; n > manual.Columns && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("a line has %d columns, want %d at most: %q", n, manual.Columns, line)
		}
	}
}

// The check of another root tells of its service and its user.
func TestCheckConfigOfRoot(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	binary, root := lab.BuildReleased(t), t.TempDir()
	layOut(t, root, append(accounts,
		machineFile{path: "etc/named.conf", text: plainConf("") + "include \"/etc/secret.conf\";\n"},
		machineFile{path: "etc/secret.conf", text: "acl a { any; };\n", mode: 0o600},
		machineFile{path: "etc/sysconfig/forwarder", text: "NAMEDCONF=/etc/other.conf\nOPTIONS=\"-6 -p 5353\"\n"},
	))
	for user, want := range map[string]string{
		"": "/etc/secret.conf: user named may not read /etc/secret.conf, which has mode 0600 of root:root; chgrp or chmod it\n" +
			"/etc/sysconfig/forwarder:1: change: the service reads '/etc/other.conf', not '/etc/named.conf', which is checked here\n" +
			"would not start: 1 error\n",
		"root": "/etc/sysconfig/forwarder:1: change: the service reads '/etc/other.conf', not '/etc/named.conf', which is checked here\n" +
			"would serve no address: listen-on matches none of this host; forwards everything to 10.79.0.2#5353\n",
		"nosuch": "forwarder: -u: looking up user nosuch: user: unknown user nosuch\n",
	} {
		args := []string{"--check-config", "-t", root}
		if user != "" {
			args = append(args, "-u", user)
		}
		if _, got := runStatus(t, binary, args...); got != want {
			t.Errorf("%q = %q, want %q", args, got, want)
		}
	}
}

// A named that runs is compared with what would take its place.
func TestMigrateCheckOfRunningNamed(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t) // to see its sockets
	program := workbench.Need(t, "named")
	addr := freeAddr(t)
	dir, port := t.TempDir(), addr.Port()
	put := func(name, listen string) string {
		path := filepath.Join(dir, name)
		conf := fmt.Sprintf("options { directory %q; pid-file none; dnssec-validation no; %s forward only; forwarders { 127.0.0.2; }; };\ncontrols { };\n", dir, listen)
		if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	both := put("both.conf", fmt.Sprintf("listen-on port %d { 127.0.0.1; }; listen-on-v6 port %[1]d { ::1; };", port))
	one := put("one.conf", fmt.Sprintf("listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };", port))
	p := lab.Start(t, "named", exec.Command(program, "-g", "-c", both))
	p.WaitFor(t, addr)
	where := fmt.Sprintf("  named (pid %d)\n", p.Cmd.Process.Pid)
	for path, want := range map[string][]string{
		both: nil,
		one: {
			fmt.Sprintf("it reads '%s', not '%s', which is looked at here", both, one),
			fmt.Sprintf("it listens on ::1#%d, which the forwarder would not serve", port),
		},
	} {
		var out, errs strings.Builder
		run([]string{"migrate-check", path}, &out, &errs)
		text := strings.Join(strings.Fields(out.String()), " ")
		if got := strings.Count(out.String(), where); got != len(want) {
			t.Errorf("%d things are told of it, want %d:\n%s%s", got, len(want), &out, &errs)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("migrate-check %s lacks %q:\n%s", path, w, &out)
			}
		}
	}
}
