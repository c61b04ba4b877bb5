package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/page"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// paged is the built binary with a status page, and an upstream for it.
type paged struct {
	t        *testing.T
	resolver *vpcresolver.Resolver
	addr, at netip.AddrPort
	conf     string
	process  *lab.Process
}

func newPaged(t *testing.T, flags ...string) *paged {
	t.Helper()
	resolver, upstream := startResolver(t)
	if err := resolver.Set("app.corp.test. 10 IN A 10.79.1.5", "www.corp.test. 60 IN A 10.79.1.6"); err != nil {
		t.Fatal(err)
	}
	p := &paged{t: t, resolver: resolver, addr: freeAddr(t), at: freeAddr(t)}
	p.conf = writeConf(t, strings.NewReplacer("{upstream}", portText(upstream), `include "{dir}/keys";`, "controls { };").Replace(corpConf), p.addr)
	args := append([]string{"-g", "--metrics-address", p.at.String(), "-c", p.conf, "--watch", "app.corp.test"}, flags...)
	p.process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), args...))
	p.process.WaitFor(t, p.addr)
	waitStatus(t, p.url("/healthz"), http.StatusOK)
	return p
}

func (p *paged) url(path string) string { return fmt.Sprintf("http://%v%s", p.at, path) }

func (p *paged) document() (d page.Document) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(waitStatus(p.t, p.url("/api/v1/status"), http.StatusOK)), &d); err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *paged) until(what string, is func(*page.Document) bool) page.Document {
	p.t.Helper()
	for range 300 {
		if d := p.document(); is(&d) {
			return d
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Fatalf("the document never had %s: %+v", what, p.document())
	return page.Document{}
}

// ask asks for each name many times over UDP.
func (p *paged) ask(times int, names ...string) {
	p.t.Helper()
	c, err := dns.Dial("udp", p.addr.String())
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	for range times {
		for _, name := range names {
			if _, _, err := (&dns.Client{Timeout: 20 * time.Second}).ExchangeWithConn(new(dns.Msg).SetQuestion(name, dns.TypeA), c); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// figures are counters of the document by the series that metrics have them in.
func figures(d *page.Document) map[string]float64 {
	f := map[string]float64{
		"queries_total": float64(d.Queries.Total), "acl_refused_queries_total": float64(d.Queries.Refused),
		"malformed_queries_total": float64(d.Queries.Malformed), "dropped_queries_total": float64(d.Queries.Dropped),
		"overflowed_queries_total":                 float64(d.Queries.Overflowed),
		`rate_limited_replies_total action="drop"`: float64(d.Queries.Limited), `rate_limited_replies_total action="slip"`: float64(d.Queries.Slipped),
		"cache_entries": float64(d.Cache.Entries), "cache_size_bytes": float64(d.Cache.Bytes), "cache_max_size_bytes": float64(d.Cache.MaxBytes), "cache_evictions_total": float64(d.Cache.Evictions),
		"watched_names": float64(d.Watch.Watched), "watch_names": float64(d.Watch.Names), "overrides": float64(d.Watch.Overrides), "guards": float64(d.Watch.Guards), "verifications": float64(d.Watch.Verifications),
		"probed_names": float64(d.Watch.Probes), "guard_came_back": float64(d.Watch.CameBack), "watch_changes_total": float64(d.Watch.Changes), "guard_refused_answers_total": float64(d.Watch.Refused),
		`config_reloads_total result="success"`: float64(d.Config.Succeeded), `config_reloads_total result="failure"`: float64(d.Config.Failed),
	}
	for source, n := range d.Queries.BySource {
		f[fmt.Sprintf("queries_total source=%q", source)] = float64(n)
	}
	for rcode, n := range d.Queries.ByRcode {
		f[fmt.Sprintf("responses_total rcode=%q", rcode)] = float64(n)
	}
	for _, u := range d.Upstreams {
		label := fmt.Sprintf(" server=%q", strings.Replace(u.Server, "#", ":", 1))
		f["upstream_queries_total"+label], f["upstream_answers_total"+label] = float64(u.Sent), float64(u.Answered)
		f["upstream_timeouts_total"+label], f["upstream_failures_total"+label] = float64(u.Timeouts), float64(u.Failures)
		f["upstream_smoothed_rtt_seconds"+label] = u.RTT
	}
	for _, l := range d.Logs {
		f[fmt.Sprintf("log_lost_lines_total channel=%q", l.Channel)] = float64(l.Lost)
	}
	return f
}

// sumOf adds up what /metrics has of a series, those with a label where one is given.
func sumOf(metrics, series string) (sum float64, there bool) {
	name, label, _ := strings.Cut(series, " ")
	for line := range strings.Lines(metrics) {
		end := strings.IndexAny(line, "{ ")
		if end < 0 || line[:end] != "forwarder_"+name || !strings.Contains(line, label) {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64); err == nil {
			sum, there = sum+v, true
		}
	}
	return sum, there
}

// Each figure of the page that is a counter or a level equals the metric.
func TestPageEqualsMetrics(t *testing.T) {
	t.Parallel()
	p := newPaged(t)
	p.ask(500, "www.corp.test.", "app.corp.test.")
	p.ask(1, "nothing.corp.test.", "elsewhere.example.")
	p.until("all replies", func(d *page.Document) bool { return d.Queries.Total >= 1002 && d.Queries.BySource["hit"] >= 990 })
	for try := range 100 {
		before := p.document()
		metrics := waitStatus(t, p.url("/metrics"), http.StatusOK)
		time.Sleep(300 * time.Millisecond) // the next document is another one
		after := p.document()
		if !reflect.DeepEqual(figures(&before), figures(&after)) {
			if try == 99 {
				t.Fatal("the figures never stand still")
			}
			continue // something was asked meanwhile
		}
		for series, want := range figures(&after) {
			if got, there := sumOf(metrics, series); !there || got != want {
				t.Errorf("%s is %v in /metrics (there: %v), %v in the document", series, got, there, want)
			}
		}
		return
	}
}

// A hundred viewers look longer than any other request may last, beside as many
// connections as there may be, and cost next to nothing; the end of the server is theirs.
func TestHundredViewers(t *testing.T) {
	t.Parallel()
	const seconds = 34 // WriteTimeout is 30 s
	p := newPaged(t)
	idle := p.process.CPU(t)
	time.Sleep(5 * time.Second)
	idle = p.process.CPU(t) - idle
	events := make(chan int, page.MaxViewers)
	for range page.MaxViewers {
		lines := p.viewer() // which counts among the others until it is answered
		go func() { events <- countEvents(lines) }()
	}
	p.until("all viewers", func(d *page.Document) bool { return d.Viewers.Open == page.MaxViewers })
	for range 2 * maxHTTPConns {
		connectFrom(t, "127.0.0.2", p.at, "")
	}
	before, from := p.process.CPU(t), time.Now()
	time.Sleep(seconds * time.Second)
	cost := float64(p.process.CPU(t)-before) / float64(time.Since(from))
	if v := p.document().Viewers; v.Open != page.MaxViewers || v.Dropped != 0 {
		t.Errorf("after %d s the viewers are %+v, want all", seconds, v)
	}
	t.Logf("of a CPU: without viewers %.2f %%, with %d viewers %.2f %%", 100*idle.Seconds()/5, page.MaxViewers, 100*cost)
	if cost > 0.25 {
		t.Errorf("%d viewers cost %.0f %% of a CPU", page.MaxViewers, 100*cost)
	}
	p.process.End(t)
	for range page.MaxViewers {
		if n := <-events; n < seconds/2 {
			t.Errorf("a viewer got %d events in %d s", n, seconds)
		}
	}
}

// A viewer that reads nothing is dropped, and nobody else.
func TestSlowViewerIsDropped(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "--watch", "*.corp.test")
	for i := range 60 { // so that a document is large
		name := fmt.Sprintf("n%d.corp.test.", i)
		if err := p.resolver.Set(name + " 60 IN A 10.79.1.7"); err != nil {
			t.Fatal(err)
		}
		p.ask(1, name)
	}
	go countEvents(p.viewer())
	slow := connectFrom(t, "127.0.0.1", p.at, "")
	if err := slow.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if err := get(slow, "/api/v1/events"); err != nil {
		t.Fatal(err)
	}
	p.until("both viewers", func(d *page.Document) bool { return d.Viewers.Open == 2 })
	var v page.Viewers
	for range 240 {
		if v = p.document().Viewers; v.Dropped > 0 {
			break
		}
		time.Sleep(time.Second / 2)
	}
	if v != (page.Viewers{Open: 1, Most: page.MaxViewers, Dropped: 1}) {
		t.Errorf("after two minutes at most the viewers are %+v, want the slow one dropped", v)
	}
}

// viewer returns what a viewer reads, once it is one.
func (p *paged) viewer() *bufio.Reader {
	p.t.Helper()
	c := connectFrom(p.t, "127.0.0.1", p.at, "/api/v1/events")
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != http.StatusOK {
		p.t.Fatalf("asking for events: %v, %v", r, err)
	}
	return bufio.NewReader(r.Body)
}

// countEvents counts the documents that come until the end.
func countEvents(lines *bufio.Reader) (n int) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return n
		}
		if line == "event: status\n" {
			n++
		}
	}
}

// What becomes of the file is seen: its warnings, and why one could not be loaded.
func TestPageTellsOfTheFile(t *testing.T) {
	t.Parallel()
	p := newPaged(t)
	good, err := os.ReadFile(p.conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.conf, string(good)+"frobnicate yes;\n")
	p.process.Signal(t, syscall.SIGHUP)
	d := p.until("the failure", func(d *page.Document) bool { return !d.Config.OK })
	if c := d.Config; c.File != p.conf || c.Failed != 1 || len(c.Errors) != 1 || !strings.Contains(c.Errors[0], "unknown option 'frobnicate'") || !strings.HasPrefix(c.Said, "failed: ") {
		t.Errorf("after a bad reload the configuration is %+v", c)
	}
	write(t, p.conf, strings.Replace(string(good), "dnssec-validation no;", "", 1))
	p.process.Signal(t, syscall.SIGHUP)
	d = p.until("a reload", func(d *page.Document) bool { return d.Config.Succeeded == 1 })
	if c := d.Config; !c.OK || c.Said != "succeeded" || len(c.Errors) != 0 || !strings.Contains(strings.Join(c.Warnings, "\n"), p.conf+":") {
		t.Errorf("after a good reload the configuration is %+v, want a warning", c)
	}
	if d.Server.State != "serving" || len(d.Server.Reasons) != 0 {
		t.Errorf("the server is %+v", d.Server)
	}
}

// The flags take the page away, and bring profiles.
func TestPageFlags(t *testing.T) {
	t.Parallel()
	p := newPaged(t, "--status-page=false", "--pprof")
	for path, want := range map[string]string{"/": "/metrics  for Prometheus\n", "/api/v1/status": "404 page", "/api/v1/events": "404 page", "/debug/pprof/": "full goroutine stack dump", "/debug/pprof/cmdline": "--pprof"} {
		r, err := http.Get(p.url(path))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if !strings.Contains(string(text), want) {
			t.Errorf("without a page, %s is %.200q, want %q", path, text, want)
		}
	}
	if r, err := http.Get(p.url("/debug/pprof/profile?seconds=1")); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("a profile is %v, %v", r, err)
	} else {
		r.Body.Close()
	}
	q := newPaged(t, "--status-clients")
	if !q.document().Clients.Shown {
		t.Error("--status-clients shows none")
	}
	if r, err := http.Get(q.url("/debug/pprof/")); err != nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("without --pprof its path is %v, %v", r, err)
	}
	q.wantHosts()
}

// wantHosts: what comes from this machine is by its own names.
func (p *paged) wantHosts() {
	p.t.Helper()
	for _, path := range []string{"/", "/api/v1/status", "/api/v1/events", "/metrics", "/healthz", "/readyz"} {
		r, err := http.NewRequest("GET", p.url(path), nil)
		if err != nil {
			p.t.Fatal(err)
		}
		r.Host = "other.example"
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMisdirectedRequest {
			p.t.Errorf("GET %s at another Host = %s, want 421", path, response.Status)
		}
	}
}
