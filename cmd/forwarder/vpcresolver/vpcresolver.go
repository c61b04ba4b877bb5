// Package vpcresolver is a stand-in for the Amazon VPC resolver, the server at
// the VPC's base address plus two: for the demo and for tests, on loopback or
// in a network namespace. It answers from a zone file as a recursive resolver
// does (RA set, CNAME chains followed, EDNS, truncation, UDP and TCP), or asks
// the authoritative servers that it is to follow, can count TTLs down as its
// model's caches do, and has the faults of its model and worse, switchable at
// run time.
//
// A Resolver is a [dns.Handler], so that a test without sockets can call it
// too. It is safe for concurrent use.
package vpcresolver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Resolver answers from the records that it was given.
type Resolver struct {
	recursor *recursor     // has its own lock
	done     chan struct{} // closed by Close: delayed answers are given up
	servers  []*dns.Server
	serving  sync.WaitGroup

	mu       sync.Mutex
	random   *rand.Rand
	faults   map[string]Faults // by canonical name: it and all below it
	asked    map[string]int    // queries by canonical name
	total    int
	second   map[netip.Addr]window // packets of the current second, by client
	recorded []*Query              // nil: none wanted
}

// New reads a zone file, which may hold several zones, and returns a Resolver
// that listens nowhere yet. With caching it gives, as the VPC resolver does,
// every record set with the TTL that is left since it was first asked for,
// and learns of a change by Set only when that has run out; without, it
// always gives the newest records and their whole TTLs.
func New(zonefile string, caching bool) (*Resolver, error) {
	caches := Caches{}
	if caching {
		caches.Fleet = 1
	}
	r := &Resolver{
		recursor: newRecursor(caches),
		done:     make(chan struct{}),
		random:   rand.New(rand.NewPCG(10, 79)),
		faults:   map[string]Faults{},
		asked:    map[string]int{},
		second:   map[netip.Addr]window{},
	}
	records, err := parse(zonefile)
	if err != nil {
		return nil, fmt.Errorf("reading the zone file: %w", err)
	}
	r.recursor.zone.replace(records, time.Time{})
	return r, nil
}

func parse(zonefile string) ([]dns.RR, error) {
	var records []dns.RR
	parser := dns.NewZoneParser(strings.NewReader(zonefile), ".", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records = append(records, rr)
	}
	return records, parser.Err()
}

// Listen serves UDP and TCP on addr and returns it; port 0 takes a free one,
// the same for both. The sockets are opened in the calling goroutine, thus in
// the network namespace of its thread.
func (r *Resolver) Listen(addr netip.AddrPort) (netip.AddrPort, error) {
	const tries = 100 // a port that is free for UDP can be taken for TCP, by clients as a rule
	for i := 0; ; i++ {
		packets, stream, err := listen(addr)
		if err != nil && addr.Port() == 0 && i < tries {
			continue
		}
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("listening as the VPC resolver: %w", err)
		}
		r.serve(&dns.Server{PacketConn: packets, Handler: r, UDPSize: dns.MaxMsgSize})
		r.serve(&dns.Server{Listener: stream, Handler: r})
		return packets.LocalAddr().(*net.UDPAddr).AddrPort(), nil
	}
}

// readBuffer is what a slow machine lets wait, in octets.
const readBuffer = 4 << 20

func listen(addr netip.AddrPort) (*net.UDPConn, *net.TCPListener, error) {
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, nil, err
	}
	_ = packets.SetReadBuffer(readBuffer) // as much of it as the system allows
	bound := packets.LocalAddr().(*net.UDPAddr)
	stream, err := net.ListenTCP("tcp", &net.TCPAddr{IP: bound.IP, Port: bound.Port})
	if err != nil {
		return nil, nil, errors.Join(err, packets.Close())
	}
	return packets, stream, nil
}

// serve returns when s takes queries, so that Close finds it started.
func (r *Resolver) serve(s *dns.Server) {
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	r.servers = append(r.servers, s)
	r.serving.Go(func() { _ = s.ActivateAndServe() })
	<-started
}

// Close stops listening and waits until no query is being answered.
func (r *Resolver) Close() error {
	close(r.done)
	var errs []error
	for _, s := range r.servers {
		errs = append(errs, s.Shutdown())
	}
	r.serving.Wait()
	return errors.Join(errs...)
}

// Set changes a name: records, in zone file form ("myservice.awslab.mycompany.corp. 10 IN A 10.79.252.14"),
// take the place of all records of their names and types.
func (r *Resolver) Set(records ...string) error {
	rrs, err := parse(strings.Join(records, "\n") + "\n")
	if err != nil {
		return fmt.Errorf("changing records: %w", err)
	}
	r.recursor.mu.Lock()
	defer r.recursor.mu.Unlock()
	r.recursor.zone.replace(rrs, time.Now())
	return nil
}

// Follow has the Resolver ask the authority's servers, one of them at random
// for each query that no cache can answer, for all names in their zones. Other
// names it has from the zone file as before. Nil ends that.
func (r *Resolver) Follow(a Authority) {
	r.recursor.mu.Lock()
	defer r.recursor.mu.Unlock()
	r.recursor.authority = a
}

// SetCaches gives the Resolver other caches, which are empty. What New makes
// with caching is Caches{Fleet: 1}; the VPC resolver is more like
// Caches{Instance: true, Fleet: 2, ByZone: true}.
func (r *Resolver) SetCaches(c Caches) {
	r.recursor.mu.Lock()
	defer r.recursor.mu.Unlock()
	r.recursor.caches = c
	clear(r.recursor.layers)
}

// FlushCache forgets what a caching Resolver has answered.
func (r *Resolver) FlushCache() {
	r.recursor.mu.Lock()
	defer r.recursor.mu.Unlock()
	clear(r.recursor.layers)
}

// SetFaults gives the name, and all names below it that have no faults of
// their own, these faults. The zero Faults is a healthy server.
func (r *Resolver) SetFaults(name string, f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[dns.CanonicalName(name)] = f
}

// Queries returns how many queries for the name arrived, of any type, dropped
// ones included.
func (r *Resolver) Queries(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[dns.CanonicalName(name)]
}

// Total returns how many queries arrived, dropped ones included.
func (r *Resolver) Total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// ServeDNS answers one query, or does not, as the faults have it.
func (r *Resolver) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	a := r.decide(query.Question[0].Name, w.RemoteAddr())
	if a.dropped || !r.wait(a.delay) {
		return
	}
	reply := r.reply(query, w.RemoteAddr(), a.Faults)
	if reply == nil {
		return
	}
	r.answered(a.query, reply)
	write(w, reply, a.Faults)
	if a.again {
		write(w, reply, a.Faults)
	}
}

// write ignores errors: a client that is gone needs no answer.
func write(w dns.ResponseWriter, reply *dns.Msg, f Faults) {
	if !f.Cut {
		_ = w.WriteMsg(reply)
		return
	}
	const missing = 5 // octets: within the last record's data or header
	if packed, err := reply.Pack(); err == nil {
		_, _ = w.Write(packed[:len(packed)-missing])
	}
}

// wait reports whether the delay went by before Close.
func (r *Resolver) wait(delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.done:
		return false
	}
}
