package metrics

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
)

// startUpstream serves example. on loopback: A records, and NXDOMAIN for names
// that begin with no.
func startUpstream(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(answer), NotifyStartedFunc: func() { close(started) }}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.ActivateAndServe() }) // its end is Shutdown's
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func answer(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = true
	name := query.Question[0].Name
	record := func(format string) dns.RR {
		rr, err := dns.NewRR(fmt.Sprintf(format, name))
		if err != nil {
			panic(err)
		}
		return rr
	}
	if strings.HasPrefix(name, "no") {
		reply.Rcode = dns.RcodeNameError
		reply.Ns = []dns.RR{record("%.0sexample. 60 SOA ns.example. hostmaster.example. 1 7200 900 1209600 60")}
	} else {
		reply.Answer = []dns.RR{record("%s 60 A 192.0.2.1")}
	}
	_ = w.WriteMsg(reply) // a client that is gone asks again
}

// startServer serves example. from upstream to 127.0.0.0/8, but for
// 127.0.9.0/24, and returns its address and what ends it.
func startServer(t *testing.T) (s *forwarder.Server, stop func()) {
	t.Helper()
	cfg := config.Default()
	cfg.Listen = []config.Listen{{Match: prefix("127.0.0.1/32")}}
	cfg.Zones = []config.ForwardZone{{Name: "example.", Forwarders: []netip.AddrPort{startUpstream(t)}}}
	friends := acl.List{{Kind: acl.Prefix, Negated: true, Prefix: netip.MustParsePrefix("127.0.9.0/24")}}
	cfg.AllowCache = append(friends, prefix("127.0.0.0/8")...)
	cfg.AllowQuery, cfg.AllowRecurse = cfg.AllowCache, cfg.AllowCache
	s, err := forwarder.New(cfg, forwarder.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	<-s.Ready()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func prefix(p string) acl.List {
	return acl.List{{Kind: acl.Prefix, Prefix: netip.MustParsePrefix(p)}}
}

// ask sends one query from a local address and returns the reply's rcode.
func ask(s *forwarder.Server, network, from, name string, qtype uint16) (int, error) {
	client := &dns.Client{Net: network, Timeout: 10 * time.Second, Dialer: &net.Dialer{}}
	local := net.ParseIP(from)
	client.Dialer.LocalAddr = &net.UDPAddr{IP: local}
	if network == "tcp" {
		client.Dialer.LocalAddr = &net.TCPAddr{IP: local}
	}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), s.Addrs()[0].String())
	if err != nil {
		return 0, fmt.Errorf("asking for %s over %s: %w", name, network, err)
	}
	return reply.Rcode, nil
}

// sendBare sends a header that promises a question, and waits for the reply.
func sendBare(t *testing.T, s *forwarder.Server) {
	t.Helper()
	conn, err := net.Dial("udp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
}

// values reads a scrape: the values by series.
func values(t *testing.T, text string) map[string]float64 {
	t.Helper()
	found := make(map[string]float64)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		found[line[:i]] = v
	}
	return found
}

func TestTraffic(t *testing.T) {
	s, stop := startServer(t)
	const friend, stranger = "127.0.0.1", "127.0.9.1"
	queries := []struct {
		network, from, name string
		qtype               uint16
		rcode               int
	}{
		{network: "udp", from: friend, name: "a.example.", qtype: dns.TypeA, rcode: dns.RcodeSuccess}, // miss
		{network: "udp", from: friend, name: "a.example.", qtype: dns.TypeA, rcode: dns.RcodeSuccess}, // hit
		{network: "udp", from: friend, name: "a.example.", qtype: dns.TypeA, rcode: dns.RcodeSuccess},
		{network: "tcp", from: friend, name: "a.example.", qtype: dns.TypeA, rcode: dns.RcodeSuccess},
		{network: "tcp", from: friend, name: "no.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError},              // miss
		{network: "udp", from: friend, name: "1.0.0.10.in-addr.arpa.", qtype: dns.TypePTR, rcode: dns.RcodeNameError}, // local
		{network: "udp", from: friend, name: "elsewhere.", qtype: dns.TypeA, rcode: dns.RcodeRefused},                 // no zone
		{network: "udp", from: stranger, name: "a.example.", qtype: dns.TypeA, rcode: dns.RcodeRefused},               // ACL
		{network: "tcp", from: stranger, name: "1.0.0.10.in-addr.arpa.", qtype: dns.TypePTR, rcode: dns.RcodeRefused}, // ACL
	}
	for _, q := range queries {
		got, err := ask(s, q.network, q.from, q.name, q.qtype)
		if err != nil {
			t.Fatal(err)
		}
		if got != q.rcode {
			t.Fatalf("%s %s over %s = %s, want %s", q.name, dns.Type(q.qtype), q.network, dns.RcodeToString[got], dns.RcodeToString[q.rcode])
		}
	}
	sendBare(t, s)
	stop() // all that was counted is published

	st := s.Stats()
	got := values(t, exposition(t, &st))
	server := fmt.Sprintf("{server=%q}", st.Upstream.Servers[0].Addr)
	want := map[string]float64{
		`forwarder_queries_total{source="miss",transport="udp",zone="example."}`:  1,
		`forwarder_queries_total{source="hit",transport="udp",zone="example."}`:   2,
		`forwarder_queries_total{source="hit",transport="tcp",zone="example."}`:   1,
		`forwarder_queries_total{source="miss",transport="tcp",zone="example."}`:  1,
		`forwarder_queries_total{source="stale",transport="udp",zone="example."}`: 0,
		`forwarder_queries_total{source="refused",transport="udp",zone="other"}`:  1,
		`forwarder_queries_total{source="refused",transport="tcp",zone="other"}`:  1,
		`forwarder_queries_total{source="local",transport="udp",zone="other"}`:    3,
		`forwarder_responses_total{rcode="NOERROR"}`:                              4,
		`forwarder_responses_total{rcode="NXDOMAIN"}`:                             2,
		`forwarder_responses_total{rcode="REFUSED"}`:                              3,
		`forwarder_responses_total{rcode="FORMERR"}`:                              1,
		`forwarder_responses_total{rcode="SERVFAIL"}`:                             0,
		`forwarder_acl_refused_queries_total`:                                     2,
		`forwarder_malformed_queries_total`:                                       1,
		`forwarder_dropped_queries_total`:                                         0,
		`forwarder_overflowed_queries_total`:                                      0,
		`forwarder_pending_questions`:                                             0,
		`forwarder_tcp_connections`:                                               0,
		`forwarder_cache_entries`:                                                 2,
		`forwarder_udp_received_datagrams_total`:                                  7,
		`forwarder_upstream_requests_total`:                                       2,
		`forwarder_upstream_timed_out_requests_total`:                             0,
		`forwarder_upstream_down` + server:                                        0,
		`forwarder_upstream_failures_total` + server:                              0,
		`forwarder_config_last_reload_successful`:                                 1,
	}
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[series]; v != want[series] || !ok {
			t.Errorf("%s = %v (there: %t), want %v", series, v, ok, want[series])
		}
	}
	// A slow machine may have asked upstream twice, and a socket that is closed
	// need not have counted its last batch.
	for series, least := range map[string]float64{
		"forwarder_upstream_queries_total" + server:     2,
		"forwarder_upstream_answers_total" + server:     2,
		"forwarder_upstream_rtt_seconds_count" + server: 2,
		"forwarder_udp_sent_datagrams_total":            5,
	} {
		if v := got[series]; v < least {
			t.Errorf("%s = %v, want %v or more", series, v, least)
		}
	}
}

func TestScrapesWhileServing(t *testing.T) {
	s, _ := startServer(t)
	h := httptest.NewServer(NewHandler(Options{Stats: s.Stats, Errors: log.Default()}))
	defer h.Close()
	const clients, each = 4, 50
	var asking sync.WaitGroup
	for c := range clients {
		asking.Go(func() {
			for i := range each {
				if _, err := ask(s, "udp", "127.0.0.1", fmt.Sprintf("%d.%d.example.", c, i), dns.TypeA); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { asking.Wait(); close(over) }()
	last := 0.0
	for more := true; more; {
		select {
		case <-over:
			more = false
		default:
		}
		now := values(t, get(t, h.URL+"/metrics"))["forwarder_upstream_requests_total"]
		if now < last {
			t.Fatalf("forwarder_upstream_requests_total fell from %v to %v", last, now)
		}
		last = now
	}
	if last != clients*each {
		t.Errorf("forwarder_upstream_requests_total = %v, want %d", last, clients*each)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %s, %v", url, r.Status, err)
	}
	return string(body)
}
