package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseCheck(t *testing.T) {
	for _, tt := range []struct{ check, port, addr, host string }{
		{"tcp://10.0.0.1:5432", "5432", "10.0.0.1", "10.0.0.1:5432"},
		{"tcp://:5432", "5432", "", "db.example:5432"},
		{"http://10.0.0.1/health?deep=1", "80", "10.0.0.1", "10.0.0.1"},
		{"https://10.0.0.1", "443", "10.0.0.1", "10.0.0.1"},
		{"https://web.example:8443/", "8443", "", "web.example:8443"},
		{"http://[::ffff:10.0.0.1]:81/", "81", "10.0.0.1", "[::ffff:10.0.0.1]:81"},
		{"http://[fd00::1]/", "80", "fd00::1", "[fd00::1]"},
	} {
		c, err := parseCheck(tt.check, "db.example.", 0)
		if err != nil {
			t.Errorf("parseCheck(%q): %v", tt.check, err)
			continue
		}
		addr := ""
		if c.addr.IsValid() {
			addr = c.addr.String()
		}
		if c.port() != tt.port || addr != tt.addr || c.url.Host != tt.host {
			t.Errorf("parseCheck(%q) = port %s, address %q, host %s, want %s, %q, %s", tt.check, c.port(), addr, c.url.Host, tt.port, tt.addr, tt.host)
		}
	}
	for check, want := range map[string]string{
		"":                         "neither",
		"10.0.0.1:80":              "reading",
		"udp://10.0.0.1:53":        "neither",
		"tcp://10.0.0.1":           "no port",
		"tcp://10.0.0.1:99999":     "port",
		"tcp://10.0.0.1:0":         "port",
		"http://10.0.0.1:http/":    "port",
		"tcp://10.0.0.1:80/path":   "path",
		"tcp://10.0.0.1:80?a":      "path",
		"http://u:secret@10.0.0.1": "password",
		"http://[10.0.0.1/":        "reading",
	} {
		if _, err := parseCheck(check, "db.example", 0); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("parseCheck(%q): %v, want %q", check, err, want)
		}
	}
}

// pages are what a server of the test answers.
func pages(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ok":
		w.WriteHeader(http.StatusNoContent)
	case "/moved":
		http.Redirect(w, r, "/broken", http.StatusFound)
	case "/endless":
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 64<<10))
		}
	case "/hang":
		<-r.Context().Done()
	case "/long":
		w.Header().Set("X", strings.Repeat("x", 1<<20))
	case "/host":
		if r.Host != "app.example:"+r.URL.Query().Get("port") {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func TestCheck(t *testing.T) {
	plain, secure := httptest.NewServer(http.HandlerFunc(pages)), httptest.NewTLSServer(http.HandlerFunc(pages))
	defer plain.Close()
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	loopback := netip.MustParseAddr("127.0.0.1")
	portOf := func(s *httptest.Server) string {
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		return port
	}
	silent := listenSilently(t)
	for _, tt := range []struct{ check, want string }{
		{"tcp://127.0.0.1:" + portOf(plain), ""},
		{"tcp://:" + portOf(plain), ""},
		{"tcp://127.0.0.1:" + silent, ""},
		{"tcp://127.0.0.1:" + closedPort(t), "refused"},
		{"http://127.0.0.1:" + portOf(plain) + "/ok", ""},
		{"http://127.0.0.1:" + portOf(plain) + "/moved", ""},
		{"http://127.0.0.1:" + portOf(plain) + "/endless", ""},
		{"http://:" + portOf(plain) + "/host?port=" + portOf(plain), ""},
		{"http://127.0.0.1:" + portOf(plain) + "/host?port=" + portOf(plain), "421"},
		{"http://127.0.0.1:" + portOf(plain) + "/broken", "500"},
		{"http://127.0.0.1:" + portOf(plain) + "/hang", "no answer within 500ms"},
		{"http://127.0.0.1:" + portOf(plain) + "/long", "header"},
		{"http://127.0.0.1:" + silent + "/", "no answer within 500ms"},
		{"http://127.0.0.1:" + closedPort(t) + "/", "refused"},
		{"http://127.0.0.1:" + portOf(secure) + "/ok", "400"},
		{"https://127.0.0.1:" + portOf(secure) + "/ok", "certificate"},
		{"https://127.0.0.1:" + portOf(plain) + "/ok", "HTTP"},
	} {
		c, err := parseCheck(tt.check, "app.example", 500*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(tt.want, "no answer") {
			c.timeout = time.Minute // as long as it takes
		}
		err = c.ask(context.Background(), loopback)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.check, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "dial tcp") {
			t.Errorf("%s: %v has Go's words", tt.check, err)
		}
	}
}

// listenSilently takes connections and says nothing. It returns the port.
func listenSilently(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(done.Wait)
	t.Cleanup(func() { l.Close() })
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// closedPort is one at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
