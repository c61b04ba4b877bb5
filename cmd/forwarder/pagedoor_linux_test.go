package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// Who asks by the name of another site gets nothing at any path, however it is written;
// and nothing but reading is let through.
func TestPageDoor(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "--pprof")
	const foreign = " HTTP/1.1\r\nHost: evil.example\r\n\r\n"
	own := " HTTP/1.1\r\nHost: " + p.at.String() + "\r\n"
	for request, want := range map[string]string{
		"GET /" + foreign:                                                 "421 ",
		"GET //" + foreign:                                                "421 ",
		"GET //api/v1/status" + foreign:                                   "421 ",
		"GET /api/../metrics" + foreign:                                   "421 ",
		"GET /metrics/" + foreign:                                         "421 ",
		"GET /nothing" + foreign:                                          "421 ",
		"GET /index.html" + foreign:                                       "421 ",
		"GET /debug/pprof" + foreign:                                      "421 ",
		"GET /debug//pprof/" + foreign:                                    "421 ",
		"GET /debug/pprof/cmdline" + foreign:                              "421 ",
		"HEAD /api/v1/events" + foreign:                                   "421 ",
		"GET http://evil.example/" + own + "\r\n":                         "421 ", // RFC 9112, 3.2.2: the Host is that of the target
		"GET http://evil.example/metrics" + own + "\r\n":                  "421 ",
		"GET http://localhost/api/v1/status" + foreign:                    "200 ",
		"GET /metrics" + foreign:                                          "421 ",
		"GET /readyz" + foreign:                                           "421 ",
		"GET /healthz" + foreign:                                          "421 ",
		"GET //metrics" + own + "\r\n":                                    "307 ",
		"GET /api/v1/status" + own + "\r\n":                               "200 ",
		"GET /debug/pprof/cmdline" + own + "\r\n":                         "200 ",
		"GET /page.css" + own + "Range: bytes=0-9\r\n\r\n":                "206 ",
		"GET /api/v1/status" + own + "Range: bytes=0-9\r\n\r\n":           "200 ",
		"GET /metrics" + own + "Origin: http://evil.example\r\n\r\n":      "403 ",
		"GET / HTTP/1.1\r\nHost: LOCALHOST.:80\r\n\r\n":                   "200 ",
		"GET / HTTP/1.1\r\nHost: [::1]:9153\r\n\r\n":                      "200 ",
		"GET / HTTP/1.0\r\n\r\n":                                          "421 ",
		"GET /metrics HTTP/1.0\r\n\r\n":                                   "200 ",
		"GET / HTTP/1.1\r\n\r\n":                                          "400 ",
		"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n": "400 ",
		"OPTIONS *" + own + "\r\n":                                        "405 ",
		"OPTIONS /metrics" + own + "\r\n":                                 "405 ",
		"CONNECT evil.example:443" + foreign:                              "405 ",
		"TRACE /metrics" + own + "\r\n":                                   "405 ",
		"POST /api/v1/status" + own + "Content-Length: 0\r\n\r\n":         "405 ",
		"GET /" + own + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":  "431 ",
	} {
		if got := p.raw(request); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q gets %s, want %s", request, got, want)
		}
	}
}

// raw sends a request, and returns the status of its response.
func (p *paged) raw(request string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.at.String())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, request) // it may be refused before its end
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("after %.60q: %v", request, err)
	}
	defer r.Body.Close()
	return r.Status
}

// A host that takes all the places it gets keeps nobody out of another host, nor who
// comes from the forwarder's own.
func TestPlacesOfViewers(t *testing.T) {
	t.Parallel()
	l := newPeerLab(t)
	l.StartResolver(t)
	l.forwarderA("--metrics-address", "0.0.0.0#9153")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	look := func(n *lab.Namespace, address string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:9153/api/v1/events", address), nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := n.HTTP(t, 0).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, reply.Body) }() // until ctx ends
		return reply
	}
	places := 0
	for ; places <= 100 && look(l.Corporate, lab.ForwarderA).StatusCode == http.StatusOK; places++ {
	}
	if reply := look(l.Corporate, lab.ForwarderA); places != 10 || reply.StatusCode != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") != "10" {
		t.Errorf("a host has %d places, and then gets %s %v, want 10", places, reply.Status, reply.Header)
	}
	for _, from := range []struct {
		n       *lab.Namespace
		address string
	}{{l.ForwarderB, lab.ForwarderA}, {l.ForwarderA, "127.0.0.1"}} {
		if reply := look(from.n, from.address); reply.StatusCode != http.StatusOK {
			t.Errorf("from %s beside it: %s", from.n.Path(), reply.Status)
		}
	}
}
