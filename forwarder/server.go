package forwarder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/acl"
	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
)

// Options are what named.conf has no words for. The zero value is good.
type Options struct {
	// UpstreamPPS limits the packets a second to servers that are not on this
	// host, for each source address; 0 is no limit. A VPC resolver drops what
	// is above 1024.
	UpstreamPPS int

	// Workers is the number of sockets, each with its reader, for each address
	// that is served over UDP; 0 is GOMAXPROCS.
	Workers int

	// Logs takes what the server has to say; nil says nothing.
	Logs *logging.Logs

	OnlyIPv4, OnlyIPv6 bool

	// Inherited are sockets that another process has bound, or has had (see
	// Server.Sockets). Those at addresses that the configuration names are
	// served in place of new ones, with all that waits in their queues, even if
	// there are more than Workers. Once Serve runs, the others end for all who
	// have them. Files that are no such sockets are ignored. The caller may
	// close the files after New.
	Inherited []*os.File
}

// Server is a running forwarder. All methods may be called concurrently.
type Server struct {
	opts Options
	net  network
	logs loggers

	epoch        time.Time
	startUnix    time.Duration // Unix time of epoch
	slept        atomic.Int64  // nanoseconds that the machine was suspended since epoch
	sleptBefore  time.Duration // and before
	cookieSecret [16]byte      // where the configuration has none
	probe        []byte        // the question of Check

	state    atomic.Pointer[state]
	queryLog atomic.Bool
	draining atomic.Bool // shutting down: nothing new is asked upstream
	cache    *cache.Cache
	slow     *slowpath
	tcp      *tcp.Server

	allowances               allowances
	prefetches, failures     marks
	servfails                servfails
	udpCounters, tcpCounters *counters

	listeners listeners
	ready     chan struct{}
	handOver  chan time.Duration // from HandOver to Serve
	handing   sync.Once
	quit      chan struct{}
	retired   sync.WaitGroup // upstream clients of former states

	reloadMu sync.Mutex // held while a state is built and swapped
	zoneIDs  zoneIDs
	reloads  reloads
}

// network is where a Server touches the world; tests put another in its place.
type network struct {
	env       func() (acl.Env, error)
	listenUDP func(netip.AddrPort, udp.Options) (udp.Conn, error)
	listenTCP func(netip.AddrPort, int) (net.Listener, error)
	dial      func(server, source netip.AddrPort) (upstream.Socket, error)
	dialTCP   func(ctx context.Context, server, source netip.AddrPort) (net.Conn, error)
	exceeded  func() ([]host.Exceeded, error) // by one goroutine
	asleep    func() time.Duration            // for how long the machine was suspended since it was started
	news      func() (io.ReadCloser, error)   // readable when interfaces change
}

func hostNetwork() network {
	return network{
		env:       acl.HostEnv,
		listenUDP: udp.Listen,
		listenTCP: tcp.Listen,
		dial:      func(server, source netip.AddrPort) (upstream.Socket, error) { return udp.Dial(server, source) },
		dialTCP:   tcp.Dial,
		exceeded:  new(host.ENAReader).Read,
		asleep:    host.Asleep,
		news:      host.AddressNews,
	}
}

// New binds the addresses that cfg names and returns a Server, which answers
// once Serve runs. cfg must not be changed afterwards. A Server that is not to
// be used after all is released by Serve with a context that has ended.
func New(cfg *config.Config, o Options) (*Server, error) { return newServer(cfg, o, hostNetwork()) }

func newServer(cfg *config.Config, o Options, n network) (*Server, error) {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	s := &Server{
		opts:        o,
		net:         n,
		logs:        newLoggers(o.Logs),
		epoch:       time.Now(),
		cache:       cache.New(cfg.Cache.MaxSize),
		udpCounters: new(counters),
		tcpCounters: new(counters),
		ready:       make(chan struct{}),
		handOver:    make(chan time.Duration, 1),
		quit:        make(chan struct{}),
		zoneIDs:     make(zoneIDs),
	}
	s.allowances.throttle = upstream.NewThrottle(o.UpstreamPPS)
	s.reloads.ReloadStats = ReloadStats{At: s.epoch, OK: true}
	s.startUnix = time.Duration(s.epoch.UnixNano())
	s.sleptBefore = n.asleep()
	rand.Read(s.cookieSecret[:])
	s.probe = newProbe()
	s.slow = newSlowpath(s)
	s.tcp = tcp.New(tcp.Config{NewHandler: s.newTCPHandler, Clock: s.clock, Limits: s.tcpLimits})
	s.listeners.init(s)
	st, err := s.newState(cfg, nil)
	if err != nil {
		s.listeners.closeAll()
		return nil, err
	}
	s.install(st)
	err = s.listeners.open(st)
	if errors.Is(err, errNoAddress) { // as in named, the address may come later
		s.logs.network.Error(err.Error())
		return s, nil
	}
	if err != nil {
		s.listeners.closeAll()
		st.upstream.Close()
		return nil, err
	}
	return s, nil
}

// clock is the time since the server was made. It knows nothing of the wall
// clock's jumps, and counts the time that the machine was suspended.
func (s *Server) clock() time.Duration {
	return time.Since(s.epoch) + time.Duration(s.slept.Load())
}

// install makes st the state for all that comes.
func (s *Server) install(st *state) {
	s.state.Store(st)
	s.queryLog.Store(st.cfg.QueryLog)
	s.cache.SetMaxBytes(st.cfg.Cache.MaxSize)
}

// Serve answers queries until ctx ends, or HandOver is called, lets what is
// under way finish, and returns nil. It may be called once.
func (s *Server) Serve(ctx context.Context) error {
	var wg sync.WaitGroup
	go s.slow.run()
	s.listeners.serve()
	wg.Go(s.sweep)
	wg.Go(s.watchInterfaces)
	wg.Go(s.watchAllowances)
	s.logs.general.Log(ctx, logging.Notice, "running")
	close(s.ready)
	s.await(ctx)
	s.shutdown()
	wg.Wait()
	return nil
}

// await returns when the end has come and nobody waits for an answer.
func (s *Server) await(ctx context.Context) {
	select {
	case <-ctx.Done():
		s.logs.general.Log(ctx, logging.Notice, "shutting down")
		s.drain()
	case wait := <-s.handOver:
		s.logs.general.Log(ctx, logging.Notice, "shutting down, the sockets stay open")
		s.leave(wait)
	}
}

// Ready is closed when queries are answered.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// HandOver makes Serve return, and leaves the sockets to another process that
// has duplicates (Sockets): nothing more is read from them. What was read is
// answered, with SERVFAIL when upstream takes longer than wait. Calls after the
// first do nothing.
func (s *Server) HandOver(wait time.Duration) { s.handing.Do(func() { s.handOver <- wait }) }

// drain waits for the answers that clients still wait for, while hits go on.
func (s *Server) drain() {
	s.draining.Store(true)
	s.listeners.stopAccepting()
	s.finish(config.MaxClientWait)
}

// leave is drain where another process has the sockets.
func (s *Server) leave(wait time.Duration) {
	s.listeners.stopReading()
	s.finish(wait)
	s.draining.Store(true) // connections may ask still
}

// finish waits for what is being asked.
func (s *Server) finish(wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	s.slow.drain(ctx)
}

// shutdown closes everything. Who waits for upstream gets SERVFAIL.
func (s *Server) shutdown() {
	s.reloadMu.Lock() // nothing new is opened from here on
	defer s.reloadMu.Unlock()
	close(s.quit)
	s.state.Load().upstream.Close()
	s.retired.Wait()
	s.slow.stop()
	s.tcp.Shutdown(time.Second)
	s.listeners.closeAll()
}

// Reload serves cfg from now on. What is cached stays. When cfg cannot be
// served at all nothing has changed, and the error says why. When some of its
// addresses cannot be had the others are served, see Unserved.
func (s *Server) Reload(cfg *config.Config) error {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.stopped() {
		return errStopped
	}
	old := s.state.Load()
	st, err := s.newState(cfg, old)
	if err == nil {
		if err = s.listeners.open(st); err != nil && st.upstream != old.upstream {
			st.upstream.Close()
		}
	}
	s.reloads.note(err)
	if err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	s.install(st)
	s.listeners.closeUnused(st)
	s.forgetShadowed(st, old)
	s.retire(old, st)
	return nil
}

// forgetShadowed flushes what was cached under a static zone that is new.
func (s *Server) forgetShadowed(st, old *state) {
	for apex, z := range st.local.Zones {
		if old.local.Zones[apex] == nil {
			s.FlushTree(z.Apex)
		}
	}
}

// retire closes old's upstream client when nobody can need it any more.
func (s *Server) retire(old, st *state) {
	if old.upstream == st.upstream {
		return
	}
	s.retired.Go(func() {
		select {
		case <-time.After(2 * config.MaxClientWait):
		case <-s.quit:
		}
		old.upstream.Close()
	})
}

// sweepEvery is how often one part of the cache is rid of what is dead, so
// that memory follows what is in use.
const sweepEvery = time.Second

// knownFor is how long an answer is kept at least after it has expired: that a
// name was known lately puts it before random ones when packets are short.
const knownFor = 15 * time.Second

func (s *Server) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.noteSleep()
			s.cache.SweepNext(s.clock() - knownFor)
		case <-s.quit:
			return
		}
	}
}

// Addrs lists the addresses that are served, each once.
func (s *Server) Addrs() []netip.AddrPort { return s.listeners.addrs() }

// Unserved lists the addresses that the configuration names and that could not
// be had, in their order. They are tried again every few seconds.
func (s *Server) Unserved() []Unserved { return s.listeners.unserved(s.state.Load()) }

// Unserved is an address that is not served.
type Unserved struct {
	Addr netip.AddrPort
	Err  error // wraps a syscall.Errno
}

// SetQueryLog turns the log of queries on or off until the next reload.
func (s *Server) SetQueryLog(on bool) { s.queryLog.Store(on) }

// stopped reports whether the server has shut down. reloadMu is held.
func (s *Server) stopped() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

var errStopped = errors.New("reloading: the server has stopped")

// errNothingToListenOn is BIND's complaint too.
var errNothingToListenOn = errors.New("unable to listen on any configured interfaces")

var errNoAddress = errors.New("serving no address: no interface has one that listen-on or listen-on-v6 matches")
