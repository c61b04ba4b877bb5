package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/workbench"
)

const daemonConf = `options {
	directory "{dir}";
	pid-file "{dir}/run/named.pid";
	listen-on port {port} { {address}; };
	listen-on-v6 { none; };
	allow-query { any; };
	forwarders { 127.0.0.1 port 9; };
	forward only;
};
controls { };
logging {
	channel all { file "log/all"; print-category yes; print-severity yes; };
	category default { all; };
};
`

// The life of the process, as a shell and as a service manager see it.
func TestDaemon(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	t.Run("foreground", func(t *testing.T) { testForeground(t, program) })
	t.Run("background", func(t *testing.T) { testBackground(t, program) })
	t.Run("broken configuration", func(t *testing.T) { testBroken(t, program) })
	t.Run("broken zone", func(t *testing.T) { testBrokenZone(t, program) })
	t.Run("taken port", func(t *testing.T) { testTaken(t, program) })
	t.Run("wrong flags", func(t *testing.T) { testWrongFlags(t, program) })
	t.Run("trial", func(t *testing.T) { testTrial(t, program) })
	t.Run("other user", func(t *testing.T) { testOtherUser(t, program) })
}

// A zone that cannot be loaded keeps no other from being served, and the log says what to
// do.
func testBrokenZone(t *testing.T, program string) {
	addr := freeAddr(t)
	conf := writeConf(t, daemonConf+`zone "bad.test" { type primary; file "bad.zone"; };`, addr)
	dir := filepath.Dir(conf)
	write(t, filepath.Join(dir, "bad.zone"), "$TTL 60\n@ SOA ns a 1 2 3 4 5\n@ FOO\n")
	socket, next := listenNotify(t)
	cmd := exec.Command(program, "-f", "--metrics-address=", "-c", conf)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	p := lab.Start(t, "the forwarder", cmd)
	p.WaitFor(t, addr)
	next() // the sockets
	if got := next(); !strings.HasSuffix(got, "; 1 primary zones cannot be loaded, see the log") {
		t.Errorf("the service manager hears %q, want that a zone cannot be loaded", got)
	}
	reply, err := dns.Exchange(new(dns.Msg).SetQuestion("www.bad.test.", dns.TypeA), addr.String())
	if err != nil || reply.Rcode != dns.RcodeServerFailure {
		t.Errorf("a name in the broken zone: %v, %v, want SERVFAIL", reply, err)
	}
	p.Signal(t, syscall.SIGTERM)
	<-p.Exited
	wantLines(t, filepath.Join(dir, "log/all"),
		"zoneload: error: zone bad.test/IN: not loaded due to errors: "+dir+"/bad.zone:3: unknown RR type 'FOO'")
}

func testForeground(t *testing.T, program string) {
	addr := freeAddr(t)
	conf := writeConf(t, daemonConf, addr)
	dir := filepath.Dir(conf)
	socket, next := listenNotify(t)
	expect := func(prefix string) {
		t.Helper()
		got := next()
		for strings.HasPrefix(got, "WATCHDOG=1") {
			got = next()
		}
		if !strings.HasPrefix(got, prefix) {
			t.Fatalf("the service manager hears %q, want %q", got, prefix)
		}
	}
	cmd := exec.Command(program, "-f", "--metrics-address=", "-U", "2", "-c", conf)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=200000")
	p := lab.Start(t, "the forwarder", cmd)
	expect("FDSTORE=1\nFDNAME=dns")
	expect("READY=1\nSTATUS=serving " + strings.Replace(addr.String(), ":", "#", 1))
	p.WaitFor(t, addr)
	if got := readPid(filepath.Join(dir, "run/named.pid")); got != cmd.Process.Pid {
		t.Errorf("pid file holds %d, want %d", got, cmd.Process.Pid)
	}
	if got := next(); got != "WATCHDOG=1" {
		t.Errorf("the service manager hears %q, want WATCHDOG=1", got)
	}

	p.Signal(t, syscall.SIGUSR1)
	p.Signal(t, syscall.SIGHUP)
	expect("RELOADING=1\nMONOTONIC_USEC=")
	expect("READY=1\nSTATUS=serving")

	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conf, string(good)+"frobnicate yes;\n")
	rename(t, filepath.Join(dir, "log/all"), filepath.Join(dir, "log/old"))
	p.Signal(t, syscall.SIGHUP)
	expect("RELOADING=1")
	expect("READY=1\nSTATUS=serving")
	p.WaitFor(t, addr)

	p.Signal(t, syscall.SIGTERM)
	expect("STOPPING=1")
	<-p.Exited
	if got := cmd.ProcessState.ExitCode(); got != 0 {
		t.Errorf("exit status after SIGTERM = %d, want 0", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "run/named.pid")); !os.IsNotExist(err) {
		t.Errorf("pid file after the end: %v, want it gone", err)
	}
	wantLines(t, filepath.Join(dir, "log/old"),
		"general: notice: running",
		"general: info: reloading configuration succeeded",
		"config: error: "+conf+":15:1: unknown option 'frobnicate'",
		"general: error: reloading configuration failed: ")
	wantLines(t, filepath.Join(dir, "log/all"),
		"general: info: received SIGTERM, finishing what was asked",
		"general: notice: exiting")
	if _, err := os.Stat(filepath.Join(dir, "named.run")); !os.IsNotExist(err) {
		t.Errorf("named.run: %v, want none without -d", err)
	}
}

func testBackground(t *testing.T, program string) {
	addr := freeAddr(t)
	conf := writeConf(t, daemonConf, addr)
	out, err := exec.Command(program, "--metrics-address=", "-c", conf).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("forwarder -c = %v, %q, want status 0 and silence", err, out)
	}
	// It serves by the time that the command returns.
	pid := readPid(filepath.Join(filepath.Dir(conf), "run/named.pid"))
	if pid == 0 {
		t.Fatal("no pid file, want one")
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	if session, err := unix.Getsid(pid); err == nil && session != pid {
		t.Errorf("session = %d, want its own, %d", session, pid)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitGone(t, filepath.Join(filepath.Dir(conf), "run/named.pid"))
}

func testBroken(t *testing.T, program string) {
	for name, detail := range map[string]struct{ conf, want string }{
		"unknown option": {daemonConf + "frobnicate yes;\n", ":15:1: unknown option 'frobnicate'\n"},
		"no file":        {"", "file not found"},
	} {
		for _, mode := range []string{"-f", "-g", "-4"} { // -4: in the background
			t.Run(name+" "+mode, func(t *testing.T) {
				conf := filepath.Join(t.TempDir(), "none")
				if detail.conf != "" {
					conf = writeConf(t, detail.conf, freeAddr(t))
				}
				wantFailure(t, exec.Command(program, "--metrics-address=", mode, "-c", conf), exitConfig, detail.want)
			})
		}
	}
}

// Wrong flags are no reason to start again.
func testWrongFlags(t *testing.T, program string) {
	wantFailure(t, exec.Command(program, "-f", "--no-such-flag"), exitUsage, "unknown flag: --no-such-flag")
	wantFailure(t, exec.Command(program, "-4", "-6"), exitUsage, "cannot specify -4 and -6")
}

func testTaken(t *testing.T, program string) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who has a port")
	}
	addr := freeAddr(t)
	p := startForwarder(t, program, daemonConf, addr)
	conf := writeConf(t, daemonConf, addr)
	wantFailure(t, exec.Command(program, "-f", "--metrics-address=", "-c", conf), exitUnavailable,
		fmt.Sprintf("UDP 127.0.0.1#%d is taken by forwarder (pid %d)", addr.Port(), p.Cmd.Process.Pid))
}

// The configuration of a server that runs can be tried beside it.
func testTrial(t *testing.T, program string) {
	addr, trial := freeAddr(t), freeAddr(t)
	running := startForwarder(t, program, daemonConf, addr)
	conf := writeConf(t, daemonConf, addr)
	cmd := exec.Command(program, "-g", "--metrics-address=", "--listen", trial.String(), "-c", conf)
	lab.Start(t, "the trial", cmd).WaitFor(t, trial)
	running.WaitFor(t, addr)
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(conf), "[lr]*/*")); err != nil || len(left) > 0 {
		t.Errorf("the trial wrote %q, want no log and no pid file", left)
	}
}

// Root becomes the user of -u and keeps one capability.
func testOtherUser(t *testing.T, program string) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		workbench.Skip(t, "becoming another user needs root and Linux")
	}
	nobody, err := lookupAccount("nobody")
	if err != nil {
		workbench.Skip(t, "%v", err)
	}
	addr := netip.AddrPortFrom(loopback, privilegedPort(t))
	conf := writeConf(t, daemonConf, addr)
	dir := filepath.Dir(conf)
	for _, open := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address=", "-u", "nobody", "-c", conf))
	p.WaitFor(t, addr)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	const bindService = "0000000000000400"
	for _, want := range []string{
		fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", nobody.uid),
		fmt.Sprintf("Gid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", nobody.gid),
		"CapPrm:\t" + bindService, "CapEff:\t" + bindService,
		"Name:\t" + filepath.Base(program) + "\n",
	} {
		if !strings.Contains(string(status), want) {
			t.Errorf("status lacks %q:\n%s", want, status)
		}
	}
	info := waitThere(t, filepath.Join(dir, "run/named.pid"))
	if got := int(info.Sys().(*syscall.Stat_t).Uid); got != nobody.uid {
		t.Errorf("the pid file is of user %d, want %d", got, nobody.uid)
	}
}

// privilegedPort finds a free port that an ordinary user may not bind.
func privilegedPort(t *testing.T) uint16 {
	t.Helper()
	for port := uint16(1023); port > 900; port-- {
		if workbench.IsFree(netip.AddrPortFrom(loopback, port)) {
			return port
		}
	}
	t.Fatal("no privileged port is free")
	return 0
}

func wantFailure(t *testing.T, cmd *exec.Cmd, status int, want string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != status {
		t.Errorf("%v = %v, want exit status %d", cmd, err, status)
	}
	if !strings.Contains(stderr.String(), want) {
		t.Errorf("%v said %q, want %q", cmd, stderr.String(), want)
	}
}

func wantLines(t *testing.T, path string, lines ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if !strings.Contains("\n"+string(text), "\n"+line) {
			t.Errorf("%s lacks %q:\n%s", path, line, text)
		}
	}
}

// waitThere waits for a file, which may come after the first answer.
func waitThere(t *testing.T, path string) os.FileInfo {
	t.Helper()
	for range 1000 {
		if info, err := os.Stat(path); err == nil {
			return info
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s is not there", path)
	return nil
}

func waitGone(t *testing.T, path string) {
	t.Helper()
	for range 1000 {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s is there, want it gone", path)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// Without a syslog daemon, as in a container, -f logs to the terminal, and what is
// wrong is said there once.
func TestNoSyslogDaemon(t *testing.T) {
	t.Parallel()
	if logging.SyslogListens() {
		workbench.Skip(t, "a syslog daemon listens")
	}
	program := lab.BuildForwarder(t)
	addr := freeAddr(t)
	conf := writeConf(t, strings.Split(daemonConf, "logging")[0], addr)
	var stderr bytes.Buffer
	cmd := exec.Command(program, "-f", "--metrics-address=", "-c", conf)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	waitThere(t, filepath.Join(filepath.Dir(conf), "run/named.pid"))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{" starting forwarder ", " running\n", " exiting\n"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q: %s", want, &stderr)
		}
	}
	broken := exec.Command(program, "-f", "--metrics-address=", "-c", writeConf(t, "frobnicate yes;\n", addr))
	out, err := broken.CombinedOutput()
	if n := bytes.Count(out, []byte(":1:1: unknown option 'frobnicate'\n")); err == nil || n != 1 {
		t.Errorf("a broken file is told %d times (%v), want once: %s", n, err, out)
	}
}
