package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// failingTap is a server whose tap cannot be written, for a while.
type failingTap struct {
	*lab.Process
	addr, metrics netip.AddrPort
	file          string // as the configuration has it
}

// startFailing starts the forwarder by a command line of a shell, in which $0 is it and
// $@ are its arguments, with a tap at a path below the directory of its configuration.
func startFailing(t *testing.T, path, shell string, more ...string) *failingTap {
	t.Helper()
	_, upstream := startResolver(t)
	f := &failingTap{addr: freeAddr(t), metrics: freeAddr(t)}
	conf := writeConf(t, differentialText(upstream, `dnstap { client; }; fstrm-set-reopen-interval 1; dnstap-output file "{dir}/`+path+`";`), f.addr)
	f.file = filepath.Join(filepath.Dir(conf), path)
	args := append([]string{"-m", "sh", "-c", shell, lab.BuildForwarder(t), "-g", "-c", conf, "--metrics-address", f.metrics.String()}, more...)
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), "DIR="+filepath.Dir(f.file))
	f.Process = lab.Start(t, "the forwarder", cmd)
	f.WaitFor(t, f.addr)
	return f
}

// ask is answered whatever the tap does.
func (f *failingTap) ask(t *testing.T) {
	t.Helper()
	if exchange(usual("large.awslab.mycompany.corp.", dns.TypeTXT).pack(), f.addr, probe{}, usualWait).packet == nil {
		t.Error("no reply")
	}
}

// counter returns the value of a metric.
func (f *failingTap) counter(t *testing.T, name string) (value float64) {
	t.Helper()
	for line := range strings.Lines(waitStatus(t, fmt.Sprintf("http://%v/metrics", f.metrics), http.StatusOK)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return value
}

// wantFault waits, asking, until the log tells of the fault, and checks what else an
// operator sees.
func (f *failingTap) wantFault(t *testing.T, why, advice string) {
	t.Helper()
	waitFor(t, "fault in the log", func() bool {
		f.ask(t)
		return f.Wrote(f.begun())
	})
	for _, want := range []string{why, advice + "; queries are answered all the same"} {
		f.WaitToSay(t, want)
	}
	waitFor(t, "failure in the counters", func() bool {
		return f.counter(t, "forwarder_dnstap_output_up") == 0 && f.counter(t, "forwarder_dnstap_output_failures_total") > 0
	})
}

func (f *failingTap) begun() string { return "dnstap: no message can be written to " + f.file }
func (f *failingTap) over() string {
	return "dnstap: messages are written to " + f.file + " again"
}

// wantEnd waits, asking, until the fault is over, and checks that it was told once.
func (f *failingTap) wantEnd(t *testing.T) {
	t.Helper()
	waitFor(t, "end of the fault in the log", func() bool {
		f.ask(t)
		return f.Wrote(f.over())
	})
	written := f.counter(t, `forwarder_dnstap_messages_total{result="written"}`)
	waitFor(t, "messages that are written", func() bool {
		f.ask(t)
		return f.counter(t, `forwarder_dnstap_messages_total{result="written"}`) > written
	})
	if up := f.counter(t, "forwarder_dnstap_output_up"); up != 1 {
		t.Errorf("forwarder_dnstap_output_up is %v, want 1", up)
	}
	for _, line := range []string{f.begun(), f.over()} {
		if n := strings.Count(f.Tail(), line); n > 1 {
			t.Errorf("%q is in the log %d times, want once", line, n)
		}
	}
}

// inside is the path of a file as the process sees it.
func (f *failingTap) inside(path string) string {
	return filepath.Join("/proc", fmt.Sprint(f.Cmd.Process.Pid), "root", path)
}

// A disk that is full costs messages, and they are counted; what is there can be read
// to its end.
func TestDnstapDiskFull(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	f := startFailing(t, "full/tap", `mkdir "$DIR" && mount -t tmpfs -o size=64k tmpfs "$DIR" && head -c 40960 /dev/zero >"$DIR/ballast" && exec "$0" "$@"`)
	f.wantFault(t, "no space left on device", "make room there, or limit size and versions of dnstap-output")
	waitFor(t, "dropped messages", func() bool {
		f.ask(t)
		return f.counter(t, `forwarder_dnstap_messages_total{result="dropped"}`) > 0
	})
	if err := os.Truncate(f.inside(filepath.Join(filepath.Dir(f.file), "ballast")), 0); err != nil {
		t.Fatal(err)
	}
	f.wantEnd(t)
	if list := tappedFrames(t, f.inside(f.file)); len(list) == 0 {
		t.Error("the tap is empty")
	}
}

// A directory that this process may not write to, or that cannot be made, costs
// messages until it can.
func TestDnstapNoPlace(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	for _, test := range []struct {
		name, shell, why, advice string
		mend                     func(dir string) error
	}{
		{
			"permission denied", `mkdir -m 700 "$DIR" && chmod 755 "$DIR/.." "$DIR/../.." && exec "$0" "$@" -u nobody`,
			"permission denied", "let the user of this process write there",
			func(dir string) error { return os.Chmod(dir, 0o777) },
		},
		{
			"no directory", `: >"$DIR" && exec "$0" "$@"`,
			"not a directory", "look at dnstap-output",
			os.Remove,
		},
		{
			"read-only", `mkdir "$DIR" && mount -t tmpfs -o ro tmpfs "$DIR" && exec "$0" "$@"`,
			"read-only file system", "add its directory to ReadWritePaths= of the service, or write somewhere else",
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := startFailing(t, "place/tap", test.shell)
			f.wantFault(t, test.why, test.advice)
			dir := filepath.Dir(f.file)
			if test.mend == nil {
				remount := exec.Command("nsenter", "-m", "-t", fmt.Sprint(f.Cmd.Process.Pid), "mount", "-o", "remount,rw", dir)
				if out, err := remount.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			} else if err := test.mend(dir); err != nil {
				t.Fatal(err)
			}
			f.wantEnd(t)
			f.Signal(t, syscall.SIGTERM)
			<-f.Exited
			if test.mend != nil && len(tappedFrames(t, f.file)) == 0 {
				t.Error("the tap is empty")
			}
		})
	}
}
