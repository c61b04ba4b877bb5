package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"vpcdns/cmd/forwarder/peer"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/version"
)

// daemon is the process around a Server: configuration, logs, signals and the
// service manager.
type daemon struct {
	flags   *flags
	logs    *logging.Logs
	general *slog.Logger
	startup startup
	notify  notifier

	inherited  inheritance    // until the server has it
	config     *config.Config // the one in force
	server     *forwarder.Server
	loads      loads
	told       string // the status that the service manager knows
	watchdog   watchdog
	control    *controlServer
	statistics *statisticsServer
	members    *members
	peers      *peer.Peers
	stops      chan os.Signal // what ends the server, beside signals
	calls      chan func()    // what others want done on the daemon's goroutine
	ending     atomic.Bool    // nothing new is accepted, or soon will not be
	reporting  sync.Mutex     // held while a file is written for rndc
	tails      tails

	draining atomic.Pointer[time.Time] // since when balancers are told to ask elsewhere; nil: they are not
}

// serve runs a server until a signal ends it, and returns the exit status.
func serve(f *flags, stderr io.Writer) int {
	// Files that are named relative to here must be found again from the `directory`
	// of the configuration.
	f.config, f.watch.stateFile = fullPath(f.config), fullPath(f.watch.stateFile)
	d := &daemon{flags: f, startup: newStartup(stderr), notify: newNotifier(os.Getenv), calls: make(chan func()), stops: make(chan os.Signal, 1)}
	d.members = newMembers(d)
	err := d.run()
	if err != nil {
		d.fail(err)
	}
	if d.logs != nil {
		d.logs.Close()
	}
	return exitStatus(err)
}

// fullPath leaves "" alone.
func fullPath(path string) string {
	if full, err := filepath.Abs(path); err == nil && path != "" {
		return full
	}
	return path
}

// fail says why the process ends: in the log, and on the terminal unless the
// log is there already.
func (d *daemon) fail(err error) {
	if d.logs != nil {
		for line := range strings.Lines(err.Error()) {
			d.log(logging.Critical, "%s", strings.TrimSuffix(line, "\n"))
		}
		d.log(logging.Critical, "exiting (due to fatal error)")
	}
	if d.logs == nil || !d.logsHere() {
		fmt.Fprintf(d.startup, "forwarder: %v\n", err)
	}
	_ = d.notify.failed(err) // the error that matters is told already
}

func (d *daemon) run() error {
	signals := make(chan os.Signal, 4)
	signal.Ignore(syscall.SIGPIPE, syscall.SIGUSR1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT)
	if err := giveUpRoot(d.flags); err != nil {
		return err
	}
	if err := d.openLogs(); err != nil {
		return err
	}
	d.inherited = inherited(os.Getenv)
	if err := d.start(); err != nil {
		d.shutInherited()
		return err
	}
	closeFiles(d.inherited.sockets)
	d.forgetCache()
	return d.serve(signals)
}

// openLogs opens the logs that are used until the configuration is known.
func (d *daemon) openLogs() (err error) {
	d.logs, err = logging.Open(d.placeLogs(logging.Config{}))
	if err != nil {
		return err
	}
	d.logs.SetDebug(d.flags.debug)
	d.general = d.logs.Logger("general")
	d.log(logging.Notice, "starting forwarder %s", version.Number)
	for _, warning := range d.flags.ignored {
		d.log(logging.Warning, "%s", warning)
	}
	return nil
}

func (d *daemon) log(level slog.Level, format string, args ...any) {
	d.general.Log(context.Background(), level, fmt.Sprintf(format, args...))
}

// start loads the configuration, binds the sockets and moves on to the logs
// that the configuration asks for.
func (d *daemon) start() error {
	cfg, err := d.load(d.startup)
	if err != nil {
		return errConfiguration
	}
	d.enter(cfg)
	if err := d.bind(cfg); err != nil {
		return err
	}
	_ = d.complain() // what can be had is served
	if err := d.logs.Swap(d.logging(cfg)); err != nil {
		return err
	}
	d.complainOfZones()
	return nil
}

// complainOfZones logs which zones are not loaded, as named does.
func (d *daemon) complainOfZones() {
	for _, z := range d.unloaded() {
		d.logs.Logger("zoneload").Error(fmt.Sprintf("zone %s/IN: not loaded due to errors: %v", strings.TrimSuffix(z.Name, "."), z.Err))
	}
}

func (d *daemon) unloaded() []config.LocalZone {
	return slices.DeleteFunc(slices.Clone(d.config.Local), func(z config.LocalZone) bool { return z.Err == nil })
}

// bind makes the server, with the sockets that a former process left.
func (d *daemon) bind(cfg *config.Config) (err error) {
	o := d.options()
	o.Inherited, o.Warm = d.inherited.sockets, d.inherited.cache()
	if d.server, err = forwarder.New(cfg, o); err != nil {
		return d.explain(err, cfg)
	}
	if taken := sharers(d.server.Addrs()); len(taken) > 0 {
		return fmt.Errorf("%w\n%s", syscall.EADDRINUSE, strings.Join(taken, "\n"))
	}
	return d.meetPeers()
}

func (d *daemon) options() forwarder.Options {
	pps := d.flags.upstreamPPS
	if pps == 0 {
		pps = forwarder.Unlimited
	}
	w := &d.flags.watch
	return forwarder.Options{
		UpstreamPPS:    pps,
		QueryLogSample: d.flags.queryLogSample,
		Workers:        d.flags.workers,
		Log:            slog.New(d.logs.Handler()),
		OnlyIPv4:       d.flags.onlyIPv4,
		OnlyIPv6:       d.flags.onlyIPv6,
		Watch:          w.names,
		WatchTTL:       uint32(w.ttl),
		ProbeLabel:     string(w.label),
		OverrideZones:  w.zones,
		StateFile:      w.statePath(os.Getenv),
		Peers:          d.flags.peers.addrs(),
	}
}

// load reads the configuration and logs what is found in it. What is wrong
// with it also goes to w.
func (d *daemon) load(w io.Writer) (*config.Config, error) {
	d.log(logging.Info, "loading configuration from '%s'", d.flags.config)
	cfg, report, err := config.Loader{Port: uint16(d.flags.port), Own: d.flags.own}.Load(d.flags.config)
	d.logFindings(report.Findings)
	d.loads.noteFindings(report.Findings)
	here := d.logsHere()
	for _, found := range report.Findings {
		if found.Severity == namedconf.Error && !here {
			fmt.Fprintln(w, found)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, notice := range d.flags.applyTo(cfg) {
		d.log(logging.Warning, "%s", notice)
	}
	d.fitDescriptors(cfg)
	return cfg, nil
}

// logFindings tells what is harmless in one line: it would hide the rest.
func (d *daemon) logFindings(findings []namedconf.Finding) {
	category, harmless := d.logs.Logger("config"), 0
	for _, found := range findings {
		switch found.Severity {
		case namedconf.Error:
			category.Error(found.String())
		case namedconf.Change:
			category.Warn(found.String())
		default:
			harmless++
		}
	}
	if harmless > 0 {
		category.Info(withoutEffect(harmless) + "; forwarder --check-config -v lists them")
	}
}

// enter makes cfg the one that the process lives by.
func (d *daemon) enter(cfg *config.Config) {
	d.config = cfg
	limitMemory(cfg.Cache.MaxSize)
	if cfg.Directory == "" {
		return
	}
	if err := os.Chdir(cfg.Directory); err != nil {
		d.log(logging.Warning, "%v", err)
	}
}

func (d *daemon) logging(cfg *config.Config) logging.Config {
	return d.placeLogs(cfg.Logging)
}

// explain adds to the error of a socket who has the port, or what is missing.
func (d *daemon) explain(err error, cfg *config.Config) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		var ports []uint16
		for _, l := range cfg.Listen {
			ports = append(ports, l.Port)
		}
		return fmt.Errorf("%w\n%s", err, strings.Join(holders(ports), "\n"))
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\nports below 1024 need CAP_NET_BIND_SERVICE: start as root with -u, or see forwarder.service; in a container the sysctl net.ipv4.ip_unprivileged_port_start=53 does", err)
	}
	return err
}

// serve answers until a signal comes, or the server ends by itself.
func (d *daemon) serve(signals <-chan os.Signal) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	defer d.askPeers()()
	defer d.serveMetrics(ctx)()
	defer d.serveStatistics()()
	defer d.serveHealth(ctx)()
	defer d.askMembers()()
	d.awaitMembers()
	ended := make(chan error, 1)
	go func() { ended <- d.server.Serve(ctx) }()

	select {
	case <-d.server.Ready():
	case err := <-ended:
		return err
	}
	pending := d.members.pending()
	d.warn(d.storeSockets())
	d.announce()
	defer d.retract()
	defer d.serveReloads()()
	defer d.watch()()
	defer d.serveControl()()
	status, stopStatus := d.statusTick()
	defer stopStatus()
	for {
		select {
		case s := <-signals:
			if d.obey(s, stop) {
				return d.leave(<-ended)
			}
		case s := <-d.stops:
			d.obey(s, stop)
			return d.leave(<-ended)
		case err := <-d.watchdog.results:
			d.keepAlive(err)
		case <-status:
			d.refreshStatus()
		case call := <-d.calls:
			call()
		case <-pending:
			pending = nil
			d.warn(d.storeSockets())
		case <-d.server.Opened():
			d.warn(d.storeSockets())
		case err := <-ended:
			return err
		}
	}
}

// announce tells everyone that the server answers.
func (d *daemon) announce() {
	if d.config.PidFile != "" {
		d.writePid()
	}
	d.readyStatus()
	d.warn(d.startup.done())
}

func (d *daemon) writePid() {
	warning, err := writePid(d.config.PidFile)
	d.warn(err)
	if warning != "" {
		d.log(logging.Warning, "%s", warning)
	}
}

func (d *daemon) warn(err error) {
	if err != nil {
		d.log(logging.Warning, "%v", err)
	}
}
