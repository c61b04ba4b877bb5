package main

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

// SIGUSR2 lets a new process take over, and no client notices. A new process
// that does not start changes nothing.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	conf := writeConf(t, daemonConf, addr)
	dir := filepath.Dir(conf)
	pidFile := filepath.Join(dir, "run/named.pid")
	first := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "-c", conf))
	first.WaitFor(t, addr)
	waitThere(t, pidFile)

	clients := startClients(t, addr)
	first.Signal(t, syscall.SIGUSR2)
	<-first.Exited
	second := readPid(pidFile)
	if second == first.Cmd.Process.Pid || second == 0 {
		t.Fatalf("pid file = %d, want another process than %d:\n%s", second, first.Cmd.Process.Pid, first.Tail())
	}
	t.Cleanup(func() { _ = syscall.Kill(second, syscall.SIGKILL) })
	clients.end(t)
	log := filepath.Join(dir, "log/all")
	if text := readIfAny(log); strings.Contains(text, "pid-file") {
		t.Errorf("the log complains about the pid-file:\n%s", text)
	}

	write(t, conf, "frobnicate yes;\n")
	if err := syscall.Kill(second, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the reason in the log", func() bool {
		return hasLine(t, log, "general: error: the process that was to take over did not start: "+conf+":1:1: unknown option 'frobnicate'")
	})
	startClients(t, addr).end(t)
	if got := readPid(pidFile); got != second {
		t.Errorf("pid file = %d, want %d still", got, second)
	}
	if err := syscall.Kill(second, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pidFile)
}

// clients ask something that needs no upstream, all the time: each over UDP on
// one socket, then over TCP on a new connection.
type clients struct {
	running sync.WaitGroup
	stop    atomic.Bool
	asked   atomic.Int64
	failed  atomic.Int64
}

func startClients(t *testing.T, addr netip.AddrPort) *clients {
	t.Helper()
	c := new(clients)
	for range 8 {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		c.running.Go(func() {
			defer conn.Close()
			for !c.stop.Load() {
				c.ask(conn, nil)
				stream, err := net.Dial("tcp", addr.String())
				c.ask(stream, err)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { c.stop.Store(true); c.running.Wait() })
	return c
}

// ask closes a conn that is no datagram socket.
func (c *clients) ask(conn net.Conn, err error) {
	c.asked.Add(1)
	if err == nil {
		q := new(dns.Msg).SetQuestion("example.", dns.TypeA)
		q.Question[0].Qclass = dns.ClassHESIOD // which needs no upstream, and is not limited
		_, _, err = (&dns.Client{Timeout: 5 * time.Second}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
		if _, stream := conn.(*net.TCPConn); stream {
			conn.Close()
		}
	}
	if err != nil {
		c.failed.Add(1)
	}
}

// end lets the clients ask some more and checks that all were answered.
func (c *clients) end(t *testing.T) {
	t.Helper()
	enough := c.asked.Load() + 200
	waitFor(t, "more queries", func() bool { return c.asked.Load() >= enough })
	c.stop.Store(true)
	c.running.Wait()
	if failed := c.failed.Load(); failed > 0 {
		t.Errorf("%d of %d queries were lost, want none", failed, c.asked.Load())
	}
}

func hasLine(t *testing.T, path, line string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains("\n"+string(text), "\n"+line)
}

func waitFor(t testing.TB, what string, there func() bool) {
	t.Helper()
	for range 2000 {
		if there() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s", what)
}

// Only a process that was started with sockets, and knows it, takes them.
func TestInherited(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
	}{
		{"nothing", nil},
		{"of another process", map[string]string{"LISTEN_PID": "1", "LISTEN_FDS": "2"}},
		{"no number", map[string]string{"LISTEN_PID": strconv.Itoa(os.Getpid()), "LISTEN_FDS": "two"}},
		{"of another successor", map[string]string{successorEnv: "2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := inherited(func(name string) string { return test.env[name] }); len(got.sockets) > 0 || len(got.caches) > 0 {
				t.Errorf("inherited() = %+v, want nothing", got)
			}
		})
	}
}
