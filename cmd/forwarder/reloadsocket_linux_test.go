package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
)

// Who asks for a reload by the verb is told how it went.
func TestReloadVerb(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	addr := freeAddr(t)
	conf := writeConf(t, daemonConf, addr)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-f", "--metrics-address=", "-c", conf))
	p.WaitFor(t, addr)
	waitThere(t, filepath.Join(filepath.Dir(conf), "run/named.pid"))
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprint(p.Cmd.Process.Pid)
	// tell runs the verb over an edited configuration.
	tell := func(old, new string) *exec.Cmd {
		write(t, conf, strings.Replace(string(good), old, new, 1))
		return exec.Command(program, "reload", pid)
	}
	if out, err := tell("", "").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("reload = %v, %q, want status 0 and silence", err, out)
	}
	wantFailure(t, tell("controls", "frobnicate yes;\nbrabble no;\ncontrols"), exitConfig, "named.conf:11:1: unknown option 'brabble'")

	holder, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	port := holder.Addr().(*net.TCPAddr).Port
	taken := fmt.Sprintf("listen-on port %d { 127.0.0.1; };", port)
	wantFailure(t, tell("listen-on-v6", taken+" listen-on-v6"), exitUnavailable,
		fmt.Sprintf("not serving 127.0.0.1#%d: ", port))
	p.WaitFor(t, addr)

	if out, err := tell("", "").CombinedOutput(); err != nil {
		t.Errorf("reload of the mended file = %v, %q, want status 0", err, out)
	}
	wantFailure(t, exec.Command(program, "reload", fmt.Sprint(os.Getpid())), exitFailure, "connection refused")
	wantFailure(t, exec.Command(program, "reload", "named.pid"), exitUsage, "no process id")
	wantFailure(t, exec.Command(program, "reload"), exitUsage, "process id")
}

// Only root and the server's own user may ask, and only the server's answer counts.
func TestReloadVerbPeers(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	if os.Geteuid() == 0 {
		addr := freeAddr(t)
		p := startForwarder(t, program, daemonConf, addr)
		waitThere(t, filepath.Join(filepath.Dir(p.Cmd.Args[4]), "run/named.pid"))
		other := exec.Command("/proc/self/fd/3", "reload", fmt.Sprint(p.Cmd.Process.Pid))
		file, err := os.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		other.ExtraFiles = []*os.File{file}
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		wantFailure(t, other, exitFailure, "neither root nor its user")
	}

	// A process that took the name of another.
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	squatter, err := listenReload(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	wantFailure(t, exec.Command(program, "reload", fmt.Sprint(child.Process.Pid)), exitFailure,
		fmt.Sprintf("process %d answers in its place", os.Getpid()))
}
