package page

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
)

const siteZone = `$ORIGIN corp.example.
@   60 IN SOA ns.corp.example. hostmaster.corp.example. 1 3600 600 86400 5
@   60 IN NS  ns
ns  60 IN A   10.79.0.53
app 1  IN A   10.79.1.10
www 60 IN A   10.79.1.30
*   60 IN A   10.79.1.40
`

// site is a forwarder with a page, and a resolver behind it.
type site struct {
	t        testing.TB
	resolver *vpcresolver.Resolver
	upstream netip.AddrPort
	server   *forwarder.Server
	page     *Page
	url      string
	dns      string
}

func newSite(t testing.TB, o Options, more string, so forwarder.Options) *site {
	t.Helper()
	s := &site{t: t}
	dir := t.TempDir()
	var err error
	if s.resolver, err = vpcresolver.New(siteZone, false); err != nil {
		t.Fatal(err)
	}
	if s.upstream, err = s.resolver.Listen(netip.MustParseAddrPort("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.resolver.Close() })
	conf := filepath.Join(dir, "named.conf")
	s.write(conf, fmt.Sprintf(`options { directory "%s"; listen-on port 0 { 127.0.0.1; }; listen-on-v6 { none; }; %s };
zone "corp.example" { type forward; forward only; forwarders { 127.0.0.1 port %d; }; };
`, dir, more, s.upstream.Port()))
	s.serve(conf, o, so)
	return s
}

func (s *site) write(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) serve(conf string, o Options, so forwarder.Options) {
	s.t.Helper()
	cfg, _, err := config.Load(conf)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.server, err = forwarder.New(cfg, so); err != nil {
		s.t.Fatal(err)
	}
	s.dns = s.server.Addrs()[0].String()
	o.Server = s.server
	s.page = New(o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- s.server.Serve(ctx) }()
	go func() { s.page.Run(ctx); ended <- nil }()
	web := httptest.NewServer(Guard(s.page.Handler()))
	s.url = web.URL
	s.t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				s.t.Error(err)
			}
		}
		web.Close()
	})
	<-s.server.Ready()
}

// ask asks the forwarder for a name over UDP.
func (s *site) ask(name string, rtype uint16) *dns.Msg { return s.askFrom("127.0.0.1", name, rtype) }

func (s *site) askFrom(client, name string, rtype uint16) *dns.Msg {
	s.t.Helper()
	c := dns.Client{Timeout: 10 * time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(client)}}}
	reply, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, rtype), s.dns)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

// set changes an address at upstream.
func (s *site) set(name, address string) {
	s.t.Helper()
	if err := s.resolver.Set(name + " 1 IN A " + address); err != nil {
		s.t.Fatal(err)
	}
}

// get returns what is at a path, and its text.
func (s *site) get(method, path, host string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	return s.do(r)
}

func (s *site) do(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(text)
}

// document is what /api/v1/status has, and its text.
func (s *site) document() (d Document, text string) {
	s.t.Helper()
	_, text = s.get("GET", "/api/v1/status", "")
	decode(s.t, text, &d)
	return d, text
}

// decode wants no field that the type does not have.
func decode(t testing.TB, text string, v any) {
	t.Helper()
	from := json.NewDecoder(strings.NewReader(text))
	from.DisallowUnknownFields()
	if err := from.Decode(v); err != nil {
		t.Fatalf("decoding %.200s: %v", text, err)
	}
}

// until asks for the document until it is as wanted.
func (s *site) until(what string, is func(*Document) bool) *Document {
	s.t.Helper()
	var d Document
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if d, _ = s.document(); is(&d) {
			return &d
		}
	}
	_, text := s.document()
	s.t.Fatalf("the document never had %s:\n%s", what, text)
	return nil
}

// name is one of the failover view.
func (d *Document) name(name string) *Name {
	for i := range d.Names {
		if d.Names[i].Name == name {
			return &d.Names[i]
		}
	}
	return &Name{}
}

// stream reads server-sent events.
type stream struct {
	body io.ReadCloser
	from *bufio.Reader
}

func (s *site) stream() *stream {
	s.t.Helper()
	r, err := http.Get(s.url + "/api/v1/events")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Body.Close() })
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("events are %s %v", r.Status, r.Header)
	}
	return &stream{r.Body, bufio.NewReader(r.Body)}
}

// next returns the next event's name and data.
func (s *stream) next() (name, data string, err error) {
	for {
		line, err := s.from.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "" && name != "":
			return name, data, nil
		}
	}
}
