package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/forwarder/workbench"
)

// built is the program as it is released, compiled once for all tests, into a
// directory that TestMain removes.
var (
	builtIn string
	built   = sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "failover")
		if err != nil {
			return "", err
		}
		builtIn = dir
		path := filepath.Join(dir, "failover")
		out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("go build: %w\n%s", err, out)
		}
		return path, err
	})
)

func TestMain(m *testing.M) {
	workbench.ForgetManager()
	status := m.Run()
	_ = os.RemoveAll(builtIn) // in the system's own place for such
	os.Exit(status)
}

// programCommand returns a command of the built program.
func programCommand(t *testing.T, args ...string) (cmd *exec.Cmd, output *bytes.Buffer) {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd, output = exec.CommandContext(t.Context(), path, args...), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = output, output
	return cmd, output
}

// Where the requests of a partition go: a proxy is asked to connect there.
func TestEndpoints(t *testing.T) {
	asked := make(chan string, 16)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				select {
				case asked <- r.Method + " " + r.Host:
				default: // the first counts
				}
			}
			conn.Close()
		}
	})
	defer serving.Wait()
	defer listener.Close()
	awsEnvironment(t, "")
	for region, want := range map[string]string{
		"eu-central-1":  "CONNECT route53.amazonaws.com:443",
		"cn-north-1":    "CONNECT route53.amazonaws.com.cn:443",
		"us-gov-west-1": "CONNECT route53.us-gov.amazonaws.com:443",
	} {
		cmd, output := programCommand(t, "wait", "C123", "--region", region, "--api-timeout", "1s", "--timeout", "1s")
		cmd.Env = append(cmd.Environ(), "HTTPS_PROXY=http://"+listener.Addr().String())
		if cmd.Run(); cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("failover wait ended with %d: %s", cmd.ProcessState.ExitCode(), output)
		}
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("region %s: the proxy was asked %q, want %q", region, got, want)
			}
		default:
			t.Errorf("region %s: the proxy was not asked: %s", region, output)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
}

// A signal ends what hangs, with a sentence.
func TestSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no program can send SIGTERM")
	}
	s := account(t, route53.Options{}, record("10.0.0.1"))
	s.Break(route53.Fault{Hang: true})
	cmd, output := programCommand(t, "register", "--name", app, "--zone-id", "ZPRIVATE", "--address", "10.0.0.2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); len(s.Requests("")) == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(output.String(), "stopped by a signal") {
		t.Errorf("failover register ended with %d: %s", status, output)
	}
}

// What --dry-run prints can be given to aws, and does the same.
func TestDryRunIsForAWS(t *testing.T) {
	aws := workbench.Need(t, "aws")
	s := account(t, route53.Options{}, record("10.0.0.1"), route53.Simple(appProbe, "A", 10, "10.0.0.1"))
	_, out, _ := command("register", "--name", app, "--address", "10.0.0.2", "--from", "10.0.0.1", "--dry-run")
	_, batch, _ := strings.Cut(out, "This would be sent:\n")
	cmd := exec.Command(aws, "route53", "change-resource-record-sets", "--hosted-zone-id", "ZPRIVATE", "--change-batch", batch)
	cmd.Env = append(cmd.Environ(), "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("aws: %v\n%s\n%s", err, text, batch)
	}
	holds(t, s, app, "10.0.0.2")
	holds(t, s, "x.now."+app, "10.0.0.2")
}
