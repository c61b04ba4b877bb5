package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/manual"
)

// flags are what the command line says. Letters are named's.
type flags struct {
	config             string
	foreground, stderr bool
	port               port
	listen             address
	onlyIPv4, onlyIPv6 bool
	user               string
	debug, workers     int
	logFile            string
	metricsAddress     string
	healthAddress      string
	control            controlAddresses
	controlKeys        controlKeys
	upstreamPPS        int
	queryLogSample     int
	querySources       querySources
	watch              watchFlags
	members            memberFlags
	peers              peerAddresses
	page               pageFlags
	check, print       bool
	verbose            bool   // with check: tell what is harmless too
	hideSecrets        bool   // with print
	root               string // with check: see named-checkconf -t
	help, demo         bool
	options            bool
	option             string // the one that options is about; "" is all
	version, buildInfo bool
	ignored            []string // warnings about flags that do nothing here
	set                *pflag.FlagSet
}

// port is the value of -p: N, or named's dns=N. 0 leaves it to the configuration.
type port uint16

func (p *port) String() string { return strconv.Itoa(int(*p)) }
func (p *port) Type() string   { return "port" }

func (p *port) Set(s string) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "dns="), 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	*p = port(n)
	return nil
}

// address is the value of --listen; the zero value leaves it to the
// configuration.
type address struct{ netip.AddrPort }

func (a *address) Type() string { return "address" }

func (a *address) String() string {
	if !a.IsValid() {
		return ""
	}
	return host.Address(a.AddrPort)
}

// Set takes BIND's notation, and that of URLs.
func (a *address) Set(s string) (err error) {
	if a.AddrPort, err = netip.ParseAddrPort(urlNotation(s)); err != nil {
		return fmt.Errorf("address %q is not like 127.0.0.1#5353 or ::1#5353", s)
	}
	return nil
}

// urlNotation leaves an address alone unless it is in BIND's notation.
func urlNotation(s string) string {
	if before, after, ok := strings.Cut(s, "#"); ok {
		return net.JoinHostPort(before, after)
	}
	return s
}

// letter is a flag of named; one without a value is a switch.
type letter struct{ letter, name, value, why string }

// ignoredLetters are those of named that a forwarder has no use for.
var ignoredLetters = []letter{
	{"D", "comment", "text", "a comment for ps"},
	{"E", "engine", "name", "no cryptographic engine is used"},
	{"M", "memory-fill", "option", "memory is managed by Go"},
	{"m", "memory-debug", "option", "memory is managed by Go"},
	{"N", "cpus", "number", "use -n"},
	{"s", "statistics", "", "statistics are at the metrics address"},
	{"S", "sockets", "number", "sockets are not limited in number"},
	{"T", "test", "option", "a test option of named"},
	{"U", "listeners", "number", "each worker has a socket of its own"},
	{"X", "lock-file", "path", "a taken port is noticed without"},
	{"x", "old-lock", "", "it does nothing in named either"},
}

// refusedLetters are those of named that ask for what is not done here.
var refusedLetters = []letter{
	{"A", "provider", "name", "OpenSSL is not used"},
	{"C", "defaults", "", "--options prints a table of all"},
	{"F", "fips", "", "set GODEBUG=fips140=on instead"},
	{"t", "chroot", "directory", "leave it to the service manager, RootDirectory= in systemd"},
}

// newFlags defines the flags with their defaults.
func newFlags() *flags {
	f := &flags{controlKeys: make(controlKeys)}
	s := pflag.NewFlagSet("forwarder", pflag.ContinueOnError)
	s.SortFlags = false
	s.SetOutput(io.Discard)
	s.StringVarP(&f.config, "config", "c", "/etc/named.conf", "`file` with the configuration")
	s.BoolVarP(&f.foreground, "foreground", "f", false, "stay in the foreground")
	s.BoolVarP(&f.stderr, "stderr", "g", false, "stay in the foreground and log to stderr only")
	s.VarP(&f.port, "port", "p", "`port` to listen on and to forward to, in place of 53")
	s.BoolVarP(&f.onlyIPv4, "ipv4", "4", false, "use IPv4 only")
	s.BoolVarP(&f.onlyIPv6, "ipv6", "6", false, "use IPv6 only")
	s.StringVarP(&f.user, "user", "u", "", "`user` to become when started by root")
	s.IntVarP(&f.workers, "workers", "n", 0, "`number` of sockets and goroutines that read, 0: one a CPU")
	s.IntVarP(&f.debug, "debug", "d", 0, "debug `level`, for channels of severity dynamic")
	s.StringVarP(&f.logFile, "log-file", "L", "", "`file` to log to where named would log to syslog by default")
	s.Var(&f.listen, "listen", "the only `address` to serve, whatever the configuration says, and no pid-file is written: to try it while named runs")
	s.StringVar(&f.metricsAddress, "metrics-address", "127.0.0.1#"+metricsPort, "`address` that serves Prometheus /metrics, \"\" for none")
	s.Var(&f.control, "control-address", "`address` on loopback where rndc is listened to when the configuration has no controls, in place of 127.0.0.1#953 and ::1#953; may be given again, \"\" for none")
	s.Var(f.controlKeys, "control-key", "limit a key to some commands of rndc, as `key=commands`: failover=status,flushname; may be given again")
	s.StringVar(&f.healthAddress, "health-address", "", "`address` that serves /healthz and /readyz and nothing else, for a load balancer; the one of the metrics serves them too")
	s.IntVar(&f.upstreamPPS, "upstream-pps", 900, "most `packets` a second to upstream by each interface, 0: no limit; a VPC resolver drops what exceeds 1024")
	s.IntVar(&f.queryLogSample, "query-log-sample", 1, "log one of `N` queries, and its response, chosen at random: each has the same chance; 1: all")
	s.Var(&f.querySources, "query-source", "`address` of this host to ask upstream from, in place of query-source or query-source-v6 of the configuration; may be given again: each interface has --upstream-pps of its own, and the one with more left is taken; one that gets no answers is left out until it does (it needs an ip rule)")
	f.page.define(s)
	f.watch.define(s)
	s.Var(&f.members, "member", "`host` (name or address, with a port if it is not 953) where other forwarders of a fleet are asked at the start for overrides, watches and guards, with rndc's key; a name is all of its addresses; may be given again")
	s.Var(&f.peers, "peer", "`address` of the other forwarder of a pair, with a port if it is not 53: it is asked once a second, without recursion, what it gives of watched names, and status, page, metrics and log say where the two differ; may be given again")
	s.BoolVar(&f.check, "check-config", false, "check the configuration and exit; -p prints it, -v tells all, -x hides secrets")
	s.BoolVar(&f.options, "options", false, "print what becomes of each option of named.conf, or of the one that is named, and exit")
	s.BoolVar(&f.demo, "demo", false, "show in a minute, on loopback, what a pair does in a failover and when servers are lost; needs no configuration")
	s.BoolVarP(&f.version, "version", "v", false, "print the version and exit")
	s.BoolVarP(&f.buildInfo, "build-info", "V", false, "print the version and how it was built, and exit")
	s.BoolVarP(&f.help, "help", "h", false, "print this text and exit")
	f.set = s
	f.defineOthers()
	return f
}

// defineOthers makes named's other letters known, without showing them.
func (f *flags) defineOthers() {
	for _, o := range slices.Concat(ignoredLetters, refusedLetters) {
		if o.value == "" {
			f.set.BoolP(o.name, o.letter, false, o.why)
		} else {
			f.set.StringP(o.name, o.letter, "", o.why)
		}
		f.set.Lookup(o.name).Hidden = true
	}
}

// parseFlags reads a command line, without the program's name.
func parseFlags(args []string) (*flags, error) {
	if slices.Contains(args, "--check-config") {
		return parseCheckFlags(args)
	}
	f := newFlags()
	if err := f.set.Parse(args); err != nil {
		return nil, err
	}
	args = f.set.Args()
	if f.options && len(args) > 0 {
		f.option, args = args[0], args[1:]
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("%s: neither a flag nor a verb", strings.Join(args, " "))
	}
	return f, f.validate()
}

// validate refuses what makes no sense and notes what does nothing.
func (f *flags) validate() error {
	for _, o := range refusedLetters {
		if f.set.Changed(o.name) {
			return fmt.Errorf("option -%s is not supported: %s", o.letter, o.why)
		}
	}
	for _, o := range ignoredLetters {
		if f.set.Changed(o.name) {
			f.ignored = append(f.ignored, fmt.Sprintf("option -%s is ignored: %s", o.letter, o.why))
		}
	}
	switch {
	case f.onlyIPv4 && f.onlyIPv6:
		return errors.New("cannot specify -4 and -6")
	case f.workers < 0 || f.debug < 0 || f.upstreamPPS < 0:
		return errors.New("a number below zero")
	case f.queryLogSample < 1:
		return fmt.Errorf("--query-log-sample %d: it is 1, which is all queries, or more", f.queryLogSample)
	}
	f.metricsAddress, f.healthAddress = urlNotation(f.metricsAddress), urlNotation(f.healthAddress)
	return cmp.Or(checkHTTPAddress("metrics", f.metricsAddress), checkHTTPAddress("health", f.healthAddress))
}

// background reports whether named would detach from the terminal.
func (f *flags) background() bool {
	return !f.foreground && !f.stderr && !isDetached()
}

func (f *flags) usage() string {
	return fmt.Sprintf(`forwarder is a DNS forwarder that takes the place of BIND's named.

Usage:
  forwarder [flags]
  forwarder --check-config [-pvx] [-u USER] [-t DIRECTORY] [FILE]
  forwarder --options [NAME]
  forwarder VERB ...

Verbs; forwarder VERB --help says more:
%s
Flags:
%s
Examples:
  forwarder -c /etc/named.conf           serve in the background, as named does
  forwarder -f -u named                  serve in the foreground, not as root
  forwarder -g --listen 127.0.0.1#5353   try /etc/named.conf while named runs
  forwarder --check-config               check it: FILE:LINE:COL: message
  forwarder --check-config -p my.conf    print it as it is understood
  forwarder --options prefetch           what is done with this option
  forwarder --demo                       see a failover, without root or network
  dig @127.0.0.1 -p 5353 version.bind chaos txt

Signals:
  HUP         reload the configuration, reopen the logs; errors change nothing
  USR2        start a new process that takes over, then exit; errors change
              nothing
  TERM, INT   finish what was asked, then exit

Exit status:
  0   clean end; configuration without errors; server ready in the background
  1   any failure that has no status of its own; with --check-config, errors in
      the configuration
  64  wrong flags
  69  a port is taken: the log says by whom; after a reload, some addresses are
      not served
  78  errors in the configuration, which is not served

Accepted for named's sake, and ignored: %s.
`, verbList(), manual.FlagList(f.set), letters())
}

func letters() string {
	var list []string
	for _, o := range ignoredLetters {
		list = append(list, "-"+o.letter)
	}
	return strings.Join(list, " ")
}
