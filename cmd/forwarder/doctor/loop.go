package doctor

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/host"
)

// checkLoop finds servers that are this host, or that ask it in turn: it listens at
// the addresses that are to be served, while they are free, for a question that
// nobody else can ask.
func checkLoop(ctx context.Context, m *Machine, r *report) {
	for _, a := range servers(m.Config) {
		if slices.Contains(m.Addresses, a) {
			r.add(Problem, "forward to the VPC resolver, its base address + 2", "%s is forwarded to, and is an address of this forwarder", host.Address(a))
		}
	}
	conns := listenAt(m.Addresses)
	defer closeAll(conns)
	if len(conns) == 0 {
		r.add(Unseen, "a forwarder that runs tells in its log of questions that come back", "whether a server asks this host in turn: no address is free to listen at")
		return
	}
	if server, from, found := findLoop(ctx, m, conns); found {
		r.add(Problem, "have that server forward elsewhere, or forward past it", "what is asked of %s comes back from %s", host.Address(server), host.Address(from))
	} else if len(r.findings) == 0 {
		r.ok("no server asks this host in turn")
	}
}

func listenAt(addrs []netip.AddrPort) (conns []*net.UDPConn) {
	for _, a := range addrs[:min(most, len(addrs))] {
		if c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a)); err == nil {
			conns = append(conns, c)
		}
	}
	return conns
}

func closeAll(conns []*net.UDPConn) {
	for _, c := range conns {
		c.Close()
	}
}

// returned is a question that came back.
type returned struct {
	name string
	from netip.AddrPort
}

// findLoop asks each server for a name of its own below one of its zones, and waits
// for any to arrive.
func findLoop(ctx context.Context, m *Machine, conns []*net.UDPConn) (server, from netip.AddrPort, found bool) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer endReads(conns, time.Now())
	asked := make(map[string]netip.AddrPort)
	for _, a := range servers(m.Config) {
		if len(asked) < most && !slices.Contains(m.Addresses, a) {
			asked[askedName(zoneAt(m.Config, a))] = a
		}
	}
	heard := make(chan returned, len(conns))
	deadline, _ := ctx.Deadline()
	endReads(conns, deadline)
	for _, c := range conns {
		running.Go(func() { heard <- listen(c, asked) })
	}
	answers := make(chan struct{}, len(asked))
	for name, a := range asked {
		running.Go(func() {
			once(ctx, sourcedServer(m.Config, a), "udp", new(dns.Msg).SetQuestion(name, dns.TypeA), 3*time.Second)
			answers <- struct{}{}
		})
	}
	return firstHeard(conns, heard, answers, asked)
}

// firstHeard waits for a question, or until all are answered, which a question that
// goes in a circle is not. It ends with the deadline of the connections.
func firstHeard(conns []*net.UDPConn, heard <-chan returned, answers <-chan struct{}, asked map[string]netip.AddrPort) (server, from netip.AddrPort, found bool) {
	answered, ended := 0, 0
	for ended < len(conns) {
		select {
		case <-answers:
			if answered++; answered == len(asked) {
				endReads(conns, time.Now().Add(200*time.Millisecond)) // for what was answered before it came back
			}
		case q := <-heard:
			ended++
			if q.from.IsValid() {
				return asked[q.name], q.from, true
			}
		}
	}
	return server, from, false
}

func endReads(conns []*net.UDPConn, at time.Time) {
	for _, c := range conns {
		c.SetReadDeadline(at)
	}
}

// listen returns the first question that is one of ours.
func listen(c *net.UDPConn, asked map[string]netip.AddrPort) returned {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return returned{}
		}
		m := new(dns.Msg)
		if m.Unpack(buf[:n]) != nil || len(m.Question) == 0 {
			continue
		}
		name := strings.ToLower(m.Question[0].Name)
		if _, ok := asked[name]; ok {
			return returned{name, from}
		}
	}
}

// askedName is a name below zone that nobody has asked for.
func askedName(zone string) string {
	return "forwarder-doctor-" + strings.ToLower(rand.Text()) + "." + strings.TrimPrefix(zone, ".")
}
