package forwarder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/health"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/listener"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/store"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
)

// Server is a running forwarder. All methods may be called concurrently.
type Server struct {
	*engine
	opts      Options
	net       network
	clients   *tcp.Server // over TCP
	listeners *listener.Set
	health    *health.Monitor
	rates     counts.Rates
	kept      *store.State // what is known of watched names
	exchanges sync.Pool    // of *exchange

	ready    chan struct{}
	serving  atomic.Bool
	handOver chan time.Duration // from HandOver to Serve
	handing  sync.Once
	quit     chan struct{}
	stop     chan struct{}  // for the goroutine that asks, which outlives the others
	asking   sync.WaitGroup // the goroutine that asks
	retired  sync.WaitGroup // upstream clients of former states

	reloadMu sync.Mutex // held while a state is built and swapped
	left     bool       // the sockets are another process's; guarded by reloadMu
	reloads  reloads
	warmup   *warmup // nil: the cache starts empty
}

// network is where a Server touches the world; tests put another in its place.
type network struct {
	env       func() (acl.Env, error)
	leaves    func(server, source netip.Addr) string // the interface by which packets to it leave
	owner     func(netip.Addr) string                // the interface that has an address
	listenUDP func(netip.AddrPort, udp.Options) (udp.Conn, error)
	listenTCP func(netip.AddrPort, int) (net.Listener, error)
	dial      func(server, source netip.AddrPort) (upstream.Socket, error)
	dialTCP   func(ctx context.Context, server, source netip.AddrPort) (net.Conn, error)
	exceeded  func() ([]host.Exceeded, error) // by one goroutine
	boot      func() (id [16]byte, since time.Duration)
	asleep    func() time.Duration          // for how long the machine was suspended since it was started
	news      func() (io.ReadCloser, error) // readable when interfaces change
	lookEvery time.Duration                 // at the interfaces, without news
}

func hostNetwork() network {
	return network{
		env:       acl.HostEnv,
		leaves:    host.InterfaceTo,
		owner:     host.InterfaceWith,
		listenUDP: udp.Listen,
		listenTCP: tcp.Listen,
		dial:      func(server, source netip.AddrPort) (upstream.Socket, error) { return udp.Dial(server, source) },
		dialTCP:   tcp.Dial,
		exceeded:  new(host.ENAReader).Read,
		boot:      host.Boot,
		asleep:    host.Asleep,
		news:      host.AddressNews,
		lookEvery: interfacesEvery,
	}
}

// New binds the addresses that cfg names and returns a Server, which answers
// once Serve runs. cfg must not be changed afterwards. A Server that is not to
// be used after all is released by Serve with a context that has ended.
func New(cfg *config.Config, o Options) (*Server, error) { return newServer(cfg, o, hostNetwork()) }

func newServer(cfg *config.Config, o Options, n network) (*Server, error) {
	if err := errors.Join(o.check(), checkConfig(cfg)); err != nil {
		return nil, fmt.Errorf("making a server: %w", err)
	}
	o = o.withDefaults()
	s := &Server{
		engine:   newEngine(cfg.Cache.MaxSize, &o, n.asleep),
		opts:     o,
		net:      n,
		ready:    make(chan struct{}),
		handOver: make(chan time.Duration, 1),
		quit:     make(chan struct{}),
		stop:     make(chan struct{}),
	}
	s.health = s.newHealth()
	s.kept = s.newKept()
	s.reloads.ReloadStats = ReloadStats{At: s.clock.epoch, OK: true}
	s.exchanges.New = func() any { return newExchange(s.engine) }
	s.clients = tcp.New(tcp.Config{NewHandler: s.newTCPHandler, Clock: s.clock.now, Limits: s.tcpLimits})
	s.listeners = s.newListeners()
	s.warmup = s.newWarmup(o.Warm)
	if err := s.start(cfg); err != nil {
		s.listeners.CloseAll()
		s.warmup.close()
		return nil, err
	}
	return s, nil
}

// start makes cfg the first state.
func (s *Server) start(cfg *config.Config) error {
	st, err := s.newState(cfg, nil)
	if err != nil {
		return err
	}
	s.install(st)
	s.setOverrideRules(st)
	if err := s.startWatches(); err != nil {
		st.upstream.Close()
		return err
	}
	if err = s.open(st); err != nil {
		st.upstream.Close()
		return err
	}
	s.noteAddresses(st)
	s.setTap(&cfg.Dnstap)
	s.warmup.first()
	return nil
}

// Serve answers queries until ctx ends, or HandOver is called, lets what is
// under way finish, and returns nil. A second call is an error.
func (s *Server) Serve(ctx context.Context) error {
	if s.serving.Swap(true) {
		return errServing
	}
	var wg sync.WaitGroup
	s.asking.Go(func() { s.newResolver().run(s.stop) })
	s.listeners.Serve()
	wg.Go(s.sweep)
	wg.Go(s.watchInterfaces)
	wg.Go(s.watchAllowances)
	wg.Go(s.watchNames)
	wg.Go(s.keepWatches)
	wg.Go(s.warmup.rest)
	s.logs.general.Log(ctx, logging.Notice, "running")
	close(s.ready)
	s.await(ctx)
	s.shutdown()
	wg.Wait()
	s.tap.Close()
	s.health.Close()
	s.kept.Save() // unless they are another process's already
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
	s.listeners.StopAccepting()
	s.finish(config.MaxClientWait)
}

// leave is drain where another process has the sockets.
func (s *Server) leave(wait time.Duration) {
	s.LeaveState()
	s.reloadMu.Lock()
	s.left = true
	s.reloadMu.Unlock()
	s.listeners.StopReading()
	s.finish(wait)
	s.draining.Store(true) // connections may ask still
}

// finish waits for what is being asked.
func (s *Server) finish(wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	s.waiters.drain(ctx)
}

// shutdown closes everything. Who waits for upstream gets SERVFAIL.
func (s *Server) shutdown() {
	s.reloadMu.Lock() // nothing new is opened from here on
	defer s.reloadMu.Unlock()
	close(s.quit)
	s.state.Load().upstream.Close()
	s.retired.Wait()
	close(s.stop)
	s.asking.Wait()
	s.clients.Shutdown(time.Second)
	s.listeners.CloseAll()
}

// Reload serves cfg from now on. What is cached stays. When cfg cannot be
// served at all nothing has changed, and the error says why. When some of its
// addresses cannot be had the others are served, see Unserved; when no interface
// has one yet, none is.
func (s *Server) Reload(cfg *config.Config) error {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.stopped() || s.left {
		return fmt.Errorf("reloading: %w", errStopped)
	}
	old := s.state.Load()
	st, err := s.nextState(cfg, old)
	s.reloads.note(err)
	if err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	s.install(st)
	s.logNoLongerLimited(old.rates, old.rates.Forget()) // the new one knows nobody yet
	s.listeners.CloseUnused(s.served(st))
	s.clients.Shrink()
	s.setTap(&cfg.Dnstap)
	s.setOverrideRules(st)
	s.noteAddresses(st)
	s.forgetTroubles(st)
	s.flushNewZones(st, old)
	s.retire(old, st)
	return nil
}

// nextState returns the state for cfg with its addresses open.
func (s *Server) nextState(cfg *config.Config, old *state) (*state, error) {
	if err := checkConfig(cfg); err != nil {
		return nil, err
	}
	st, err := s.newState(cfg, old)
	if err != nil {
		return nil, err
	}
	if err := s.open(st); err != nil {
		if st.upstream != old.upstream {
			st.upstream.Close()
		}
		return nil, err
	}
	return st, nil
}

// flushNewZones flushes what was cached under a local zone that is new.
func (s *Server) flushNewZones(st, old *state) {
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
			rates := s.state.Load().rates
			s.logNoLongerLimited(rates, rates.Over(s.clock.now()))
			s.cache.SweepNext(s.clock.now() - knownFor)
			s.insight.tick(s.clock.now())
			s.observe()
		case <-s.quit:
			return
		}
	}
}

// noteSleep puts the clock forward after the machine was suspended.
func (s *Server) noteSleep() {
	if slept := s.clock.addSleep(); slept > 0 {
		s.logs.general.Warn(fmt.Sprintf("the machine was suspended for %v", slept.Round(time.Millisecond)))
	}
}

// Started is when the server was made.
func (s *Server) Started() time.Time { return s.clock.epoch }

// SetQueryLog turns the log of queries on or off, until a reload whose configuration
// says so anew.
func (s *Server) SetQueryLog(on bool) { s.setQueryLog(on) }

// QueryLog reports whether queries are logged.
func (s *Server) QueryLog() bool { return s.queryLog.Load() }

// Config returns the configuration in force, which must not be changed.
func (s *Server) Config() *config.Config { return s.state.Load().cfg }

// Workers returns how many sockets each address has that is served over UDP.
func (s *Server) Workers() int { return s.opts.Workers }

// Waiting returns how many clients wait for upstream.
func (s *Server) Waiting() int { return int(s.waiters.n.Load()) }

// TCPPeak returns the most connections of clients that there were at a time.
func (s *Server) TCPPeak() int { return s.clients.Stats().Peak }

// stopped reports whether the server has shut down, or is about to.
func (s *Server) stopped() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

var (
	errStopped = errors.New("the server has stopped")
	errServing = errors.New("serving: the server serves, or has served, already")
)
