package page

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"vpcdns/forwarder"
)

// A page of another site cannot have its own name lead here and read what there is.
func TestHost(t *testing.T) {
	names := []string{"localhost", "dns1.example.corp", "dns1"}
	tests := map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9153": true, "10.79.0.5:9153": true, "[::1]": true, "[::1]:9153": true, "[fe80::1%25eth0]:9153": true,
		"localhost": true, "LOCALHOST:9153": true, "localhost.": true, "dns1:9153": true, "Dns1.Example.Corp:9153": true, "dns1.example.corp.": true,
		"": false, ":9153": false, "evil.example": false, "evil.example:9153": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"dns1.evil.example": false, "0177.0.0.1": false, "2130706433": false, "127.1": false, "dns11": false, "[::1": false, "127.0.0.1:evil.example": false, "[::1]evil.example": false, "localhost:": true, "127.0.0.1:9153:1": false,
	}
	for host, want := range tests {
		if got := isOwn(host, names); got != want {
			t.Errorf("isOwn(%q) = %v, want %v", host, got, want)
		}
	}
}

// Page, JSON and profiles are for reading, by who knows this machine by its own name,
// and for no frame, cache or other site.
func TestGuarded(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{})
	profiles := httptest.NewServer(Guard(Profiles()))
	defer profiles.Close()
	tests := []struct {
		method, host string
		status       int
		says         string
	}{
		{"GET", "", 200, ""},
		{"HEAD", "localhost", 200, ""},
		{"GET", "evil.example", 421, `the Host "evil.example" is not this machine`},
		{"HEAD", "evil.example", 421, ""},
		{"POST", "", 405, "GET or HEAD"},
		{"DELETE", "", 405, "GET or HEAD"},
		{"OPTIONS", "", 405, "GET or HEAD"},
	}
	for _, url := range []string{s.url + "/", s.url + "/api/v1/status", s.url + "/api/v1/history", s.url + "/api/v1/events", profiles.URL + "/debug/pprof/cmdline"} {
		for _, tt := range tests {
			if tt.method == "GET" && tt.status == 200 && strings.HasSuffix(url, "events") {
				continue // it does not end
			}
			r, err := http.NewRequest(tt.method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			response, text := s.do(r)
			if response.StatusCode != tt.status || !strings.Contains(text, tt.says) {
				t.Errorf("%s %s at Host %q = %s %.100q, want %d %q", tt.method, url, tt.host, response.Status, text, tt.status, tt.says)
			}
			h := response.Header
			if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") ||
				strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s has headers %v", tt.method, url, h)
			}
		}
	}
}

// Paths for machines are open to any name over the network, and without a Host; from
// this machine, where a browser comes out of a tunnel, the name is looked at.
func TestGuardedOpen(t *testing.T) {
	listened := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.79.0.5:9153"))
	tests := []struct {
		from, host, path string
		want             int
	}{
		{"10.1.2.3:4000", "dns.example.corp", "/metrics", 404},
		{"[2001:db8::1]:4000", "dns.example.corp", "/metrics", 404},
		{"10.1.2.3:4000", "dns.example.corp", "/api/v1/status", 421},
		{"127.0.0.1:4000", "localhost", "/metrics", 404},
		{"127.0.0.1:4000", "10.79.0.5:9153", "/metrics", 404},
		{"127.0.0.1:4000", "", "/metrics", 404},
		{"127.0.0.1:4000", "", "/", 421},
		{"127.0.0.1:4000", "evil.example", "/metrics", 421},
		{"127.8.9.1:4000", "evil.example", "/metrics", 421},
		{"[::1]:4000", "evil.example", "/metrics", 421},
		{"[::ffff:127.0.0.1]:4000", "evil.example", "/metrics", 421},
		{"10.79.0.5:4000", "evil.example", "/metrics", 421},
		{"[::ffff:10.79.0.5]:4000", "evil.example", "/metrics", 421},
		{"10.79.0.5:4000", "10.79.0.5:9153", "/metrics", 404},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "http://localhost"+tt.path, nil)
		r.RemoteAddr, r.Host = tt.from, tt.host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(listened)))
		w := httptest.NewRecorder()
		guarded([]string{"localhost"}, http.NotFoundHandler(), []string{"/metrics"}).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%+v gets %d", tt, w.Code)
		}
	}
}

// What a page of another site asks for in a browser is refused; a link to here works.
func TestForeign(t *testing.T) {
	tests := []struct {
		origin, site, mode string
		want               bool
	}{
		{"", "", "", false},
		{"http://localhost:9153", "same-origin", "cors", false},
		{"https://localhost:9153", "", "", false},
		{"", "none", "navigate", false},
		{"", "cross-site", "navigate", false},
		{"", "cross-site", "no-cors", true},
		{"http://evil.example", "", "", true},
		{"http://localhost:80", "same-site", "cors", true},
		{"null", "", "", true},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "http://localhost:9153/api/v1/events", nil)
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": tt.mode} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		guarded([]string{"localhost"}, http.NotFoundHandler(), nil).ServeHTTP(w, r)
		if got := w.Code == http.StatusForbidden; got != tt.want {
			t.Errorf("%+v gets %d", tt, w.Code)
		}
	}
}

// The page is whole: a browser gets HTML at /, and nothing is there beside its files.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{})
	r, text := s.get("GET", "/", "")
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || !strings.Contains(text, "<title>") {
		t.Errorf("/ is %s: %.100q", r.Header.Get("Content-Type"), text)
	}
	for _, path := range []string{"/nothing", "/api/v1/", "/api/v2/status", "/../document.go", "/debug/pprof/"} {
		if r, _ := s.get("GET", path, ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %s, want 404", path, r.Status)
		}
	}
}

// What a viewer gets first is the history; then the document comes each second.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{})
	events := s.stream()
	for i, want := range []string{"history", "status", "status", "status"} {
		name, data, err := events.next()
		if err != nil || name != want {
			t.Fatalf("event %d is %q (%v), want %q", i, name, err, want)
		}
		if name == "history" {
			decode(t, data, new(History))
			continue
		}
		var d Document
		if decode(t, data, &d); d.Version != Version || d.Viewers.Open != 1 {
			t.Errorf("event %d is of version %d with %d viewers, want %d and this one", i, d.Version, d.Viewers.Open, Version)
		}
	}
	events.body.Close()
	s.until("no viewer", func(d *Document) bool { return d.Viewers.Open == 0 })
}

// One viewer too many is told so, and has a place as soon as another goes.
func TestTooManyViewers(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "", forwarder.Options{})
	first := s.stream()
	for range MaxViewers - 1 {
		s.stream()
	}
	if r, text := s.get("GET", "/api/v1/events", ""); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(text, "100 viewers") {
		t.Errorf("viewer %d gets %s %q, want 503 with words", MaxViewers+1, r.Status, text)
	}
	if r, _ := s.get("GET", "/api/v1/status", ""); r.StatusCode != http.StatusOK {
		t.Errorf("beside them the document is %s, want it", r.Status)
	}
	first.body.Close()
	s.until("a place", func(d *Document) bool { return d.Viewers.Open < MaxViewers })
	s.stream()
}

// No host takes all places, and all others together not those of who comes by ssh.
func TestPlaces(t *testing.T) {
	h := hub{of: make(map[*viewer]bool)}
	join := func(addr string) (*viewer, string) {
		r := httptest.NewRequest("GET", "/api/v1/events", nil)
		r.RemoteAddr = addr
		return h.join(hostOf(r))
	}
	fill := func(addr string, places int, want string) {
		t.Helper()
		for i := range places {
			if _, why := join(addr); why != "" {
				t.Fatalf("viewer %d from %s is refused: %s", i+1, addr, why)
			}
		}
		if v, why := join(addr); v != nil || !strings.Contains(why, want) {
			t.Fatalf("one more than %d from %s: %q, want %q", places, addr, why, want)
		}
	}
	fill("10.0.0.1:4000", maxOfHost, "10 viewers look from your address")
	fill("[::ffff:10.0.0.1]:4001", 0, "your address")
	fill("[fd00:0:0:1::1]:4000", maxOfHost, "your address")
	fill("[fd00:0:0:1:ffff::2%eth0]:4000", 0, "your address")
	for i := range 6 {
		fill(fmt.Sprintf("[fd00:0:0:%d::1]:4000", i+2), maxOfHost, "")
	}
	fill("10.0.0.2:4000", 0, "80 viewers look from other hosts")
	fill("[::1]:4000", MaxViewers-maxRemote, "100 viewers look already")
	fill("127.0.0.1:4000", 0, "100 viewers")
}

// A viewer that does not read is dropped; the others go on.
func TestSlowViewer(t *testing.T) {
	h := hub{of: make(map[*viewer]bool)}
	slow, _ := h.join(netip.Addr{})
	good, _ := h.join(netip.Addr{})
	for range behind + 1 {
		h.tell([]byte("x"))
		if _, ok := <-good.events; !ok {
			t.Fatal("who reads is dropped")
		}
	}
	left := 0
	for range slow.events { // it ends
		left++
	}
	if v := h.viewers(); left != behind || v != (Viewers{1, MaxViewers, 1}) {
		t.Errorf("the slow one has %d events left, and the hub is %+v", left, v)
	}
	h.leave(slow)
	go h.leave(good)
	h.close()
	if v, why := h.join(netip.Addr{}); v != nil || why != "this forwarder is ending" {
		t.Errorf("a hub that is closed takes a viewer, or says %q", why)
	}
}

// A page that ends ends its viewers.
func TestEventsEnd(t *testing.T) {
	t.Parallel()
	var events *stream
	t.Run("page", func(t *testing.T) {
		s := newSite(t, Options{}, "", forwarder.Options{})
		r, err := http.Get(s.url + "/api/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		events = &stream{body: r.Body}
	})
	if _, err := io.Copy(io.Discard, events.body); err != nil {
		t.Errorf("the events end with %v", err)
	}
	events.body.Close()
}
