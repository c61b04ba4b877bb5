package forwarder

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"vpcdns/acl"
	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/wire"
	"vpcdns/forwarder/workbench"
)

// asker is a worker with its query, as a reader of a socket has them.
type asker struct {
	worker
	q query
}

func (s *Server) newAsker() *asker {
	a := new(asker)
	a.init(s.engine, new(counts.Replies))
	return a
}

// testAsker is the client of a test, over UDP or TCP.
func testAsker(tcp bool) client {
	c := client{addr: testClient, local: testServer}
	if tcp {
		c.via = viaTCP
	}
	return c
}

// ask serves one message by itself.
func (a *asker) ask(msg []byte, c client) ([]byte, outcome) {
	a.q.client = c
	a.begin()
	return a.serve(nil, msg, &a.q)
}

// waits serves a query that the cache does not answer, and returns the waiter that
// would be queued.
func (a *asker) waits(t *testing.T, msg []byte) *waiter {
	t.Helper()
	if _, what := a.ask(msg, testAsker(false)); what != waiting {
		t.Fatalf("serve = %v, want waiting", what)
	}
	return a.wait(&a.q)
}

// fetchOf starts a fetch for a query as a resolver does, but asks nobody.
func (s *Server) fetchOf(t *testing.T, msg []byte, mem *memConn) (*resolver, *fetch) {
	t.Helper()
	a := s.newAsker()
	w := a.waits(t, msg)
	w.conn, w.peer = mem, udp.PeerOf(testClient)
	r := s.newResolver()
	r.begin()
	return r, s.inflight.join(w, a.q.key, r.st, r.now).fetch
}

var (
	testClient = netip.MustParseAddrPort("10.1.2.3:5000")
	testServer = netip.MustParseAddrPort("10.79.1.10:53")
)

// testConfig forwards all names to 10.79.0.2 for everyone.
func testConfig() *config.Config {
	cfg := config.Default()
	cfg.Listen = []config.Listen{{Port: 53, Match: acl.All()}}
	cfg.AllowQuery, cfg.AllowCache, cfg.AllowRecurse = acl.All(), acl.All(), acl.All()
	cfg.Zones = []config.ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{netip.MustParseAddrPort("10.79.0.2:53")}}}
	cfg.Local = nil
	return cfg
}

var stressBlackhole = netip.MustParsePrefix("10.66.0.0/16")

// stressConfig is a configuration with all that queries can meet; they differ
// by n.
func stressConfig(n int) *config.Config {
	cfg := testConfig()
	cfg.Limits.ResolverQueryTimeout = 300 * time.Millisecond
	cfg.Cache.MaxSize = 2 << 20
	cfg.Cache.StaleEnable, cfg.Cache.StaleAnswer = n%2 == 0, n%2 == 0
	cfg.Cache.StaleClientTimeout = time.Duration(n%3-1) * 20 * time.Millisecond
	cfg.Cache.MaxStaleTTL, cfg.Cache.StaleAnswerTTL = time.Minute, 30*time.Second
	cfg.Blackhole = acl.List{{Prefix: stressBlackhole}}
	cfg.AllowRecurse = acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	cfg.MinimalResponses, cfg.MinimalAny = n%2 == 1, n%2 == 0
	servers := []netip.AddrPort{netip.MustParseAddrPort("10.79.0.2:53"), netip.MustParseAddrPort("10.79.0.3:53")}
	cfg.Zones = append(cfg.Zones,
		config.ForwardZone{Name: "a.test.", Forwarders: servers[:1+n%2]},
		config.ForwardZone{Name: "b.test.", Forwarders: servers[1:]},
		config.ForwardZone{Name: "none.test."})
	return cfg
}

// configOf loads a named.conf.
func configOf(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "named.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// serveVirtual starts a Server in a synctest bubble on 10.79.1.10:53 with
// echoUpstream, and stops it at the end of the test.
func serveVirtual(t *testing.T, cfg *config.Config) *replay {
	n := newFakeNet("10.79.1.10/24")
	n.auto = echoUpstream
	return newReplay(t, cfg, n)
}

// virtual runs a test of a Server with a virtual clock.
func virtual(t *testing.T, cfg *config.Config, test func(t *testing.T, r *replay)) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, cfg)
		defer r.stop()
		test(t, r)
	})
}

func newReplay(t *testing.T, cfg *config.Config, n *fakeNet) *replay {
	return newReplayWith(t, cfg, n, Options{Workers: 1, UpstreamPPS: Unlimited})
}

func newReplayWith(t *testing.T, cfg *config.Config, n *fakeNet, o Options) *replay {
	s, err := newServer(cfg, o, n.network())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &replay{t: t, s: s, net: n, began: time.Now(), cancel: cancel, done: make(chan error, 1),
		asked: make(map[uint16]client), queries: make(map[uint16]*dns.Msg)}
	go func() { r.done <- s.Serve(ctx) }()
	<-s.Ready()
	synctest.Wait()
	return r
}

// stop ends the server and all that is around it.
func (r *replay) stop() {
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("Serve = %v, want nil", err)
	}
	r.net.close()
	synctest.Wait()
	if n := r.net; n.dialled != n.closed {
		r.t.Errorf("%d sockets to upstream were made, %d closed", n.dialled, n.closed)
	}
}

// serveLoopback runs a Server on a free port of 127.0.0.1 with echoUpstream
// behind it, and stops it at the end of the test.
func serveLoopback(t testing.TB, edit ...func(*config.Config)) (*Server, *fakeNet) {
	t.Helper()
	cfg := testConfig()
	cfg.Listen[0].Port = 0
	for _, f := range edit {
		f(cfg)
	}
	fake := newFakeNet("127.0.0.1/8")
	fake.auto = echoUpstream
	network := fake.network()
	host := hostNetwork()
	network.listenUDP, network.listenTCP = host.listenUDP, host.listenTCP
	s, err := newServer(cfg, Options{Workers: 1, UpstreamPPS: Unlimited}, network)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, s)
	return s, fake
}

// loopback is a network with nothing but 127.0.0.1, and a configuration that
// serves a free port there.
func loopback(t *testing.T) (*config.Config, network) {
	t.Helper()
	cfg := testConfig()
	cfg.Listen[0].Port = workbench.FreeAddr(t).Port()
	n := hostNetwork()
	n.env = func() (acl.Env, error) { return envOf("127.0.0.1/8"), nil }
	return cfg, n
}

// running is a Server that serves.
type running struct {
	*Server
	stop func()
}

func run(t *testing.T, cfg *config.Config, o Options, n network) running {
	t.Helper()
	s, err := newServer(cfg, o, n)
	if err != nil {
		t.Fatal(err)
	}
	return running{s, serve(t, s)}
}

// serve lets s serve until stop is called, or the test ends.
func serve(tb testing.TB, s *Server) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	<-s.Ready()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Serve = %v, want nil", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// unserved returns a Server that nobody serves, with www.example A in its
// cache.
func unserved(tb testing.TB) *Server {
	tb.Helper()
	s := newUnserved(tb, testConfig(), 1, newFakeNet("10.79.1.10/24").network())
	fill(tb, s)
	return s
}

// newUnserved returns a Server that nobody serves.
func newUnserved(tb testing.TB, cfg *config.Config, workers int, n network) *Server {
	tb.Helper()
	s, err := newServer(cfg, Options{Workers: workers, UpstreamPPS: Unlimited}, n)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.state.Load().upstream.Close()
		s.listeners.CloseAll()
	})
	return s
}

// wwwKey is the key of www.example A.
var wwwKey = []byte("\x03www\x07example\x00\x00\x01\x00\x01\x00")

// fill puts www.example A into s's cache.
func fill(tb testing.TB, s *Server) {
	tb.Helper()
	m := new(dns.Msg)
	m.SetQuestion("www.example.", dns.TypeA)
	m.Response, m.Compress = true, true
	h := dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 3600}
	m.Answer = []dns.RR{&dns.CNAME{Hdr: h, Target: "web.example."}}
	h.Name, h.Rrtype = "web.example.", dns.TypeA
	for i := range 4 {
		m.Answer = append(m.Answer, &dns.A{Hdr: h, A: net.IPv4(10, 0, 0, byte(i))})
	}
	msg, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	var parsed wire.Message
	if !parsed.Parse(msg) || !parsed.Keepable() {
		tb.Fatal("the answer cannot be kept as it is")
	}
	value, _ := parsed.AppendAnswer(origin{zone: 1}.append(nil), wire.TTLPolicy{Max: 1 << 30})
	s.cache.Put(s.cache.Hash(wwwKey), wwwKey, value, cache.Times{Stored: s.clock.now(), TTL: 3600})
}

// learn gives the server upstream's answer to a query, and returns the reply
// to it, and the one to the same query after that; nil for those that wait.
func (s *Server) learn(t *testing.T, query, msg []byte) (first, kept []byte) {
	t.Helper()
	s.Flush()
	mem := newMemConn(testServer)
	r, f := s.fetchOf(t, query, mem)
	r.give(f, msg)
	r.Flush()
	sent := mem.sentSoFar()
	if len(sent) == 0 {
		return nil, nil
	}
	if kept, what := s.newAsker().ask(query, testAsker(false)); what == replied {
		return sent[0].Data, kept
	}
	return sent[0].Data, nil
}

// give hands upstream's answer to a fetch, as upstream does.
func (r *resolver) give(f *fetch, msg []byte) {
	var m wire.Message
	switch err := r.check(f, &m, msg); err {
	case nil:
		r.Answer(&f.req, msg, nil)
	default:
		r.Answer(&f.req, nil, err)
	}
}

func (r *resolver) check(f *fetch, m *wire.Message, msg []byte) error {
	if !m.Parse(msg) {
		return scrub.ErrMalformed
	}
	return r.Check(&f.req, m)
}

func withTimeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually reports whether f holds in time.
func eventually(f func() bool) bool {
	for range 1000 {
		if f() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// replies counts the replies over a transport.
func (s *Server) replies(transport string) (n uint64) {
	for _, c := range s.Stats().Queries {
		if c.Transport == transport {
			n += c.Count
		}
	}
	return n
}

// heapOctets returns how many octets of the heap are in use.
func heapOctets() int {
	runtime.GC()
	runtime.GC() // what a sync.Pool held is gone after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse)
}

// No goroutine is left after Serve has returned.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
