package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/logging"
)

// waitStatus asks until the status of the answer is the wanted one, and
// returns the body.
func waitStatus(t *testing.T, url string, want int) string {
	t.Helper()
	last := ""
	for range 1000 {
		r, err := http.Get(url)
		if err == nil {
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode == want && err == nil {
				return string(body)
			}
			last = r.Status
		} else {
			last = err.Error()
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("GET %s = %s, want %d", url, last, want)
	return ""
}

func TestMetricsOfTheDaemon(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	t.Run("served", func(t *testing.T) { testServedMetrics(t, program) })
	t.Run("address taken", func(t *testing.T) { testTakenMetricsAddress(t, program) })
	t.Run("aborted", func(t *testing.T) { testAbortedScrapes(t, program) })
	t.Run("draining", func(t *testing.T) { testHealthWhileDraining(t, program) })
}

func testServedMetrics(t *testing.T, program string) {
	addr, at := freeAddr(t), freeAddr(t)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address", at.String(), "-c", writeConf(t, daemonConf, addr)))
	p.WaitFor(t, addr)
	if got := waitStatus(t, fmt.Sprintf("http://%v/healthz", at), http.StatusOK); got != "serving\n" {
		t.Errorf("/healthz = %q, want serving", got)
	}
	text := waitStatus(t, fmt.Sprintf("http://%v/metrics", at), http.StatusOK)
	for _, want := range []string{"\nforwarder_build_info{", "\nforwarder_queries_total{", "\ngo_goroutines ",
		"\nforwarder_served_addresses 1\n", "\nforwarder_log_lost_lines_total{channel=\"default_stderr\"} 0\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %q:\n%s", want, text)
		}
	}
}

// DNS does not depend on metrics.
func testTakenMetricsAddress(t *testing.T, program string) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := freeAddr(t)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address", taken.Addr().String(), "-c", writeConf(t, daemonConf, addr)))
	p.WaitFor(t, addr)
	want := fmt.Sprintf("serving metrics: listen tcp %v: bind: address already in use", taken.Addr())
	if got := p.Tail(); !strings.Contains(got, want) {
		t.Errorf("the log lacks %q:\n%s", want, got)
	}
}

// Two hundred scrapes that their clients give up leave no line in the log.
func testAbortedScrapes(t *testing.T, program string) {
	addr, at := freeAddr(t), freeAddr(t)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address", at.String(), "-c", writeConf(t, daemonConf, addr)))
	p.WaitFor(t, addr)
	waitStatus(t, fmt.Sprintf("http://%v/healthz", at), http.StatusOK)
	before := p.Tail()
	for range 200 {
		c := connectFrom(t, "127.0.0.1", at, "/metrics")
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	waitStatus(t, fmt.Sprintf("http://%v/metrics", at), http.StatusOK)
	if got := p.Tail(); got != before {
		t.Errorf("aborted scrapes are logged:\n%s", got)
	}
}

// While the last clients are answered, /metrics can still be read and /healthz
// tells a load balancer to go elsewhere.
func testHealthWhileDraining(t *testing.T, program string) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // an upstream that never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	addr, at := freeAddr(t), freeAddr(t)
	upstream := silent.LocalAddr().(*net.UDPAddr).AddrPort()
	conf := strings.Replace(daemonConf, "127.0.0.1 port 9", fmt.Sprintf("127.0.0.1 port %d", upstream.Port()), 1)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address", at.String(), "-c", writeConf(t, conf, addr)))
	p.WaitFor(t, addr)
	answered := askInBackground(addr)
	if _, _, err := silent.ReadFrom(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	p.Signal(t, syscall.SIGTERM)
	for _, path := range []string{"healthz", "readyz"} {
		if got := waitStatus(t, fmt.Sprintf("http://%v/%s", at, path), http.StatusServiceUnavailable); !strings.Contains(got, "it is ending") {
			t.Errorf("/%s = %q, want that it ends", path, got)
		}
	}
	waitStatus(t, fmt.Sprintf("http://%v/metrics", at), http.StatusOK)
	if rcode := <-answered; rcode != dns.RcodeServerFailure {
		t.Errorf("the client that waited got rcode %d, want SERVFAIL", rcode)
	}
}

// askInBackground asks for a name and sends the rcode of the reply, -1 for none.
func askInBackground(server netip.AddrPort) <-chan int {
	rcode := make(chan int, 1)
	go func() {
		client := &dns.Client{Timeout: 20 * time.Second}
		reply, _, err := client.Exchange(new(dns.Msg).SetQuestion("waits.example.", dns.TypeA), server.String())
		if err != nil {
			rcode <- -1
			return
		}
		rcode <- reply.Rcode
	}()
	return rcode
}

// journal keeps what is logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) log(level slog.Level, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, logging.SeverityName(level)+": "+fmt.Sprintf(format, args...))
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

func TestMetricsAreTriedAgain(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var j journal
	m := newHTTPServer("metrics", j.log, time.Millisecond)
	stop := m.start(taken.Addr().String(), http.NotFoundHandler())
	defer stop()
	taken.Close()
	waitStatus(t, fmt.Sprintf("http://%v/", taken.Addr()), http.StatusNotFound)
	stop()
	want := fmt.Sprintf("error: serving metrics: listen tcp %[1]v: bind: address already in use; DNS goes on, and this is tried again\n"+
		"info: serving metrics at http://%[1]v", taken.Addr())
	if got := j.text(); got != want {
		t.Errorf("logged:\n%s\nwant, once each:\n%s", got, want)
	}
	if l, err := net.Listen("tcp", taken.Addr().String()); err != nil {
		t.Errorf("after stop: %v, want the address free", err)
	} else {
		l.Close()
	}
}

func TestMetricsStopBeforeTheyStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var j journal
	m := newHTTPServer("metrics", j.log, time.Hour)
	m.start(taken.Addr().String(), http.NotFoundHandler())() // returns
}

func TestNoMetricsAddress(t *testing.T) {
	d := &daemon{flags: &flags{}} // a server that is made would need more
	d.serveMetrics(context.Background())()
}

func TestCheckMetricsAddress(t *testing.T) {
	tests := []struct {
		address string
		ok      bool
	}{
		{"", true},
		{"127.0.0.1:9153", true},
		{"[::1]:9153", true},
		{"[fe80::1%eth0]:9153", true},
		{":9153", true},
		{"127.0.0.1:0", true},
		{"9153", false},
		{"127.0.0.1", false},
		{"127.0.0.1:", false},
		{"127.0.0.1:http", false},
		{"127.0.0.1:65536", false},
		{"127.0.0.1:-1", false},
		{"::1:9153", false},
		{"localhost:9153", false},
	}
	for _, test := range tests {
		t.Run(test.address, func(t *testing.T) {
			if err := checkHTTPAddress("metrics", test.address); (err == nil) != test.ok {
				t.Errorf("checkHTTPAddress(%q) = %v, want none: %t", test.address, err, test.ok)
			}
			if _, err := parseFlags([]string{"--metrics-address", test.address}); (err == nil) != test.ok {
				t.Errorf("parseFlags(--metrics-address %q) = %v, want none: %t", test.address, err, test.ok)
			}
		})
	}
}
