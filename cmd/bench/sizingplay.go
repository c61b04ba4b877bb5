package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/bench/sizing"
	"vpcdns/cmd/forwarder/vpcresolver"
)

const sizingConf = `
options {
	directory %q; pid-file none; session-keyfile none;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	allow-query { localhost; }; forward only; forwarders { 127.0.0.1 port %d; };
};
controls { };
`

// played is a scenario that is played to a forwarder before the stand-in for the VPC
// resolver, both on loopback, where no packet limit holds.
type played struct {
	sizing.Scenario
	dir      string
	resolver *vpcresolver.Resolver
	began    time.Time
	foreign  atomic.Int64 // queries of others
	asked    int
	answered atomic.Int64
	packets  int // of the forwarder to the resolver, after the warm-up
}

func (p *played) play(ctx context.Context, program string) (err error) {
	if p.resolver, err = vpcresolver.New(p.ZoneFile(), true); err != nil {
		return err
	}
	defer p.resolver.Close()
	p.resolver.SetCaches(vpcresolver.Caches{Instance: p.Instance, Fleet: p.Hosts})
	p.resolver.SetFaults(".", vpcresolver.Faults{Zero: p.Zero})
	upstream, err := p.resolver.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	addr, stop, err := p.serve(ctx, program, upstream.Port())
	if err != nil {
		return err
	}
	defer stop()
	return p.load(ctx, addr)
}

// serve starts the forwarder on a free port and waits until it answers.
func (p *played) serve(ctx context.Context, program string, upstream uint16) (addr string, stop func(), err error) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := free.LocalAddr().(*net.UDPAddr).Port
	free.Close()
	conf := filepath.Join(p.dir, "named.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, sizingConf, p.dir, port, upstream), 0o644); err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, "-g", "--metrics-address=", "-c", conf)
	cmd.Dir = p.dir
	if err := cmd.Start(); err != nil {
		cancel()
		return "", nil, fmt.Errorf("starting the forwarder: %w", err)
	}
	stop = func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}
	addr = fmt.Sprintf("127.0.0.1:%d", port)
	for range 100 {
		if _, _, err = new(dns.Client).ExchangeContext(ctx, new(dns.Msg).SetQuestion(sizing.Zone, dns.TypeSOA), addr); err == nil {
			return addr, stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("the forwarder does not answer: %w", err)
}

// load asks what the scenario says, when it says so.
func (p *played) load(ctx context.Context, addr string) error {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return err
	}
	conn, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return err
	}
	_ = conn.SetReadBuffer(4 << 20) // as much of it as the system allows
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() { p.receive(conn) })
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p.began = time.Now()
	wg.Go(func() { p.others(ctx) })
	before, warm := 0, false
	for q := range p.Queries() {
		time.Sleep(q.At - time.Since(p.began))
		if !warm && q.At >= p.Warm {
			before, warm = p.sent(), true
		}
		if err := p.send(conn, q.Key); err != nil || ctx.Err() != nil {
			return fmt.Errorf("asking: %w", cmp.Or(err, ctx.Err()))
		}
	}
	time.Sleep(time.Second) // for the last answers
	p.packets = p.sent() - before
	return nil
}

// sent is how many packets the forwarder has sent to the resolver.
func (p *played) sent() int { return p.resolver.Total() - int(p.foreign.Load()) }

func (p *played) send(conn net.Conn, key int) error {
	name, rtype := p.Question(key)
	msg, err := new(dns.Msg).SetQuestion(name, rtype).Pack()
	if err != nil {
		return err
	}
	p.asked++
	_, err = conn.Write(msg)
	return err
}

// receive counts the answers until conn is closed.
func (p *played) receive(conn net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if n > 3 && buf[3]&15 == dns.RcodeSuccess {
			p.answered.Add(1)
		}
	}
}

// others ask the resolver, each from an instance of its own.
func (p *played) others(ctx context.Context) {
	if p.Others == 0 {
		return
	}
	rate := p.Others * float64(p.Hosts*p.Names)
	addr := netip.MustParseAddr("10.80.0.1")
	for n := 0.0; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for ; n < time.Since(p.began).Seconds()*rate; n++ {
			addr = addr.Next()
			p.foreign.Add(1)
			name, rtype := p.Question(rand.IntN(p.Names) * p.Types)
			p.resolver.Exchange(new(dns.Msg).SetQuestion(name, rtype), netip.AddrPortFrom(addr, 53))
		}
	}
}
