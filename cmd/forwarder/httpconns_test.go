package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// roomyServer serves pages that fit into no socket's buffers.
func roomyServer(t *testing.T) (m *httpServer, addr netip.AddrPort) {
	t.Helper()
	at := freeAddr(t)
	var j journal
	m = newHTTPServer("metrics", j.log, time.Hour)
	page := bytes.Repeat([]byte("x"), 32<<20)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Write(page)
			return
		}
		fmt.Fprint(w, "here")
	})
	t.Cleanup(m.start(at.String(), h))
	return m, at
}

// connectFrom opens a connection and sends a request on it, if there is one.
func connectFrom(t *testing.T, client string, server netip.AddrPort, path string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	c, err := d.Dial("tcp", server.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if path != "" {
		if err := get(c, path); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func get(c net.Conn, path string) error {
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	return err
}

// body reads a response.
func body(c net.Conn) (string, error) {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

// Whatever others do with their connections, a scrape gets through at once, and
// there are never too many.
func TestMetricsLockNobodyOut(t *testing.T) {
	for name, occupy := range map[string]func(t *testing.T, addr netip.AddrPort){
		"idle": func(t *testing.T, addr netip.AddrPort) {
			if _, err := body(connectFrom(t, "127.0.0.2", addr, "/")); err != nil {
				t.Fatal(err)
			}
		},
		"silent": func(t *testing.T, addr netip.AddrPort) { connectFrom(t, "127.0.0.2", addr, "") },
		"half asked": func(t *testing.T, addr netip.AddrPort) {
			fmt.Fprint(connectFrom(t, "127.0.0.2", addr, ""), "GET / HTTP/1.1\r\n")
		},
		"slow reader": func(t *testing.T, addr netip.AddrPort) { connectFrom(t, "127.0.0.2", addr, "/long") },
		"same client": func(t *testing.T, addr netip.AddrPort) { connectFrom(t, "127.0.0.1", addr, "/long") },
	} {
		t.Run(name, func(t *testing.T) {
			m, addr := roomyServer(t)
			for range 2 * maxHTTPConns {
				occupy(t, addr)
			}
			if got, err := body(connectFrom(t, "127.0.0.1", addr, "/")); got != "here" || err != nil {
				t.Errorf("a scrape = %q, %v, want what it asks for", got, err)
			}
			m.conns.mu.Lock()
			defer m.conns.mu.Unlock()
			if n := len(m.conns.conns); n > maxHTTPConns {
				t.Errorf("%d connections, want %d at most", n, maxHTTPConns)
			}
		})
	}
}

// A connection that is kept between scrapes outlives those of a client with more.
func TestMetricsConnectionIsKept(t *testing.T) {
	_, addr := roomyServer(t)
	kept := connectFrom(t, "127.0.0.1", addr, "")
	for range 3 {
		if err := get(kept, "/"); err != nil {
			t.Fatal(err)
		}
		if got, err := body(kept); got != "here" || err != nil {
			t.Fatalf("a scrape = %q, %v, want what it asks for", got, err)
		}
		for range 2 * maxHTTPConns {
			connectFrom(t, "127.0.0.2", addr, "")
		}
	}
}

// What makes room is told by rank: the client with the most, then what the
// connection does, then how long.
func TestMetricsVictim(t *testing.T) {
	now := time.Now()
	one, many := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	conn := func(client netip.Addr, state http.ConnState, age time.Duration) *httpConn {
		return &httpConn{client: client, state: state, since: now.Add(-age)}
	}
	tests := []struct {
		name  string
		conns []*httpConn // the first is to make room
	}{
		{"of the client with the most", []*httpConn{
			conn(many, http.StateActive, 0), conn(one, http.StateIdle, time.Hour), conn(many, http.StateActive, -time.Second)}},
		{"idle before new before active", []*httpConn{
			conn(many, http.StateIdle, 0), conn(many, http.StateNew, time.Minute), conn(many, http.StateActive, time.Hour)}},
		{"new before active", []*httpConn{
			conn(many, http.StateNew, 0), conn(many, http.StateActive, time.Hour)}},
		{"the longest idle", []*httpConn{
			conn(many, http.StateIdle, 3), conn(many, http.StateIdle, 2), conn(many, http.StateIdle, 1)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newHTTPConns(len(test.conns))
			var first net.Conn
			for i, c := range test.conns {
				a, b := net.Pipe()
				defer a.Close()
				defer b.Close()
				if m.conns[a] = c; i == 0 {
					first = a
				}
			}
			if got := m.victim(); got != first {
				t.Errorf("victim = %+v, want %+v", m.conns[got], test.conns[0])
			}
		})
	}
}

// Errors that come often are one line in a while.
func TestRareLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		l := log.New(&rareLines{what: "metrics", log: j.log, every: time.Minute}, "", 0)
		for range 200 {
			l.Print("http: Accept error: too many open files")
			time.Sleep(time.Second / 2)
		}
		want := "warning: serving metrics: http: Accept error: too many open files\n" +
			"warning: serving metrics: http: Accept error: too many open files (and 119 more such lines in the last 1m0s)"
		if got := j.text(); got != want {
			t.Errorf("logged:\n%s\nwant:\n%s", got, want)
		}
	})
}
