package forwarder

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/upstream"
)

// Options are what named.conf has no words for. The zero value is good.
type Options struct {
	// UpstreamPPS limits the packets a second to servers that are not on this
	// host, by each interface: 0 is DefaultUpstreamPPS, and Unlimited no
	// limit.
	UpstreamPPS int

	// Workers is the number of sockets, each with its reader, for each address
	// that is served over UDP; 0 is GOMAXPROCS.
	Workers int

	// Log takes what the server has to say, with BIND's categories as attribute
	// "category"; nil says nothing. BIND's channels are one implementation: see
	// logging.Logs.Handler. Its handler must not call the Server.
	Log *slog.Logger

	// Observer is told what happens. The zero value hears nothing, and costs
	// nothing.
	Observer Observer

	// QueryLogSample is of how many queries one is logged, with its response where those
	// are logged: 0 and 1 are all, 2 is every second, at random.
	QueryLogSample int

	// OnlyIPv4 and OnlyIPv6 leave out the addresses of the other family that the
	// configuration names to listen on. Not both.
	OnlyIPv4, OnlyIPv6 bool

	// Inherited are sockets that another process has bound, or has had (see
	// Server.Sockets). Those at addresses that the configuration names are
	// served in place of new ones, with all that waits in their queues, even if
	// there are more than Workers. Once Serve runs, the others end for all who
	// have them. Files that are no such sockets are ignored. The caller may
	// close the files after New.
	Inherited []*os.File

	// Watch are names whose failovers count, or "*.zone" for all below one: see the
	// package watch.
	Watch []string

	// WatchTTL is the TTL that these are given out with, in seconds; less if upstream
	// says so.
	WatchTTL uint32

	// Peers are where the other forwarders of a pair ask from what is given here of
	// watched names, with RD=0: that stands in no ledger.
	Peers []netip.Addr

	// ProbeLabel is that of the wildcard beside a watched name by which its zone can be
	// asked past all caches: *.LABEL.NAME. "" is watch.DefaultLabel.
	ProbeLabel string

	// OverrideZones are zones whose names may be overridden, beside those of forward
	// zones (but for the root).
	OverrideZones []string

	// StateFile keeps overrides, watches and history over restarts; "" keeps nothing.
	StateFile string

	// Warm is a snapshot that a former process has left (see Server.Snapshot): its
	// answers are cached from the beginning, those that were used before the others,
	// with what is left of their TTLs. What is in doubt is dropped: another boot of
	// the machine, a clock that runs backwards, a file that is not whole, answers of
	// servers that the configuration does not ask for their names. It must not
	// change any more. New takes it over: it is closed when it is read, or New
	// fails. nil: the cache starts empty.
	Warm *os.File
}

// DefaultUpstreamPPS keeps below what a VPC resolver answers: it drops what is
// above 1024 packets a second for each network interface.
const DefaultUpstreamPPS = 900

// MaxQuerySources is how many addresses servers are asked from at most: an instance
// of EC2 has 15 interfaces at most, and each server is tried from each address.
const MaxQuerySources = 16

// Unlimited, or any number below 0, is an Options.UpstreamPPS without limit.
const Unlimited = -1

// withDefaults fills in what is 0.
func (o Options) withDefaults() Options {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.UpstreamPPS == 0 {
		o.UpstreamPPS = DefaultUpstreamPPS
	}
	o.UpstreamPPS = max(o.UpstreamPPS, 0) // from here on 0 is no limit
	return o
}

// check reports what cannot be meant.
func (o *Options) check() error {
	switch {
	case o.Workers < 0:
		return fmt.Errorf("%d workers: give a number above 0, or 0 for one a processor", o.Workers)
	case o.OnlyIPv4 && o.OnlyIPv6:
		return errors.New("only IPv4 and only IPv6: choose one")
	}
	return nil
}

// checkConfig reports what a Config that Load did not make can lack.
func checkConfig(cfg *config.Config) error {
	if cfg == nil {
		return errors.New("no configuration: use config.Load or config.Default")
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(cfg.Listen) == 0 {
		wrong("no address to listen on: Config.Listen is empty")
	}
	if n := len(cfg.Sources); n > MaxQuerySources {
		wrong("%d source addresses: %d are the most", n, MaxQuerySources)
	}
	for _, a := range cfg.Sources {
		if !a.IsValid() || a.IsUnspecified() {
			wrong("source address %v is no address to ask from", a)
		}
	}
	if int(cfg.RRsetOrder) >= len(orderModes) {
		wrong("RRset order %d is none", cfg.RRsetOrder)
	}
	for _, size := range []uint16{cfg.EDNS.UDPSize, cfg.EDNS.MaxUDPSize} {
		if size < smallestUDP {
			wrong("EDNS size %d is less than %d octets", size, smallestUDP)
		}
	}
	for _, z := range cfg.Local {
		if z.Name != dns.CanonicalName(z.Name) || slices.Contains(z.Records, nil) {
			wrong("local zone %q: its name is not canonical, or it has a nil record", z.Name)
		}
	}
	for _, z := range cfg.Zones {
		if _, ok := dns.IsDomainName(z.Name); !ok || z.Name != dns.CanonicalName(z.Name) {
			wrong("zone %q: not a canonical domain name", z.Name)
		}
		for _, a := range z.Forwarders {
			if !a.IsValid() || a.Addr().IsUnspecified() || a.Port() == 0 {
				wrong("zone %q: forwarder %s is no address and port of a server", z.Name, host.Address(a))
			}
		}
	}
	return errors.Join(errs...)
}

// Observer is told what a server does. Each function may be nil, and is called by
// the goroutines that serve, several at a time, some with locks held: it must not
// block, call no method of the Server, not even Stats, and keep nothing of what it
// is given but copies.
type Observer struct {
	Query    func(QueryInfo)      // a query of a client, as it comes, if it has a question
	Response func(ResponseInfo)   // the response to one, before rate limiting
	Upstream func(upstream.Event) // servers that fall silent or come back; called by one goroutine
}

// QueryInfo is a query of a client.
type QueryInfo struct {
	Client   netip.AddrPort // the zero value for Server.Exchange
	TCP      bool
	Question []byte // name as asked, type, class: in wire form, valid during the call only; nil where none could be read
}

// ResponseInfo is a response to a client.
type ResponseInfo struct {
	QueryInfo
	Rcode  int // extended (RFC 6891, 6.1.3)
	Source Source
	Zone   string // canonical name of the forward zone; "" for none
}

func (q *query) info() QueryInfo {
	info := QueryInfo{Client: q.addr, TCP: q.via == viaTCP, Question: q.Question}
	if q.via == viaExchange {
		info.Client = netip.AddrPort{}
	}
	return info
}

// noteResponse tells of a response, which count has counted.
func (w *worker) noteResponse(q *query, from Source, rcode int) {
	from = from.CountedAs(counts.ClassOf(rcode))
	w.events.Response(ResponseInfo{QueryInfo: q.info(), Rcode: rcode, Source: from, Zone: w.st.zones.names[q.zoneID]})
}
