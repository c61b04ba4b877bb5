package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/testdata"
)

// demoPort is the port that the demo prefers, 53's usual stand-in.
const demoPort = 5300

// demoName is the name that the demo moves about.
const demoName = "myservice.awslab.mycompany.corp."

// demoConfig is the reference configuration, moved to free ports on loopback
// and without its log. Its verbs are the forwarder's port and the VPC
// resolver's.
const demoConfig = `acl goodclients {
    10.0.0.0/8;
    localhost;
    localnets;
};

options {
    listen-on port %[1]d { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    version "not currently available";
    allow-query { goodclients; };
    forwarders { 127.0.0.1 port %[2]d; };
    forward only;
};

zone "us-east-1.compute.internal" IN {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port %[2]d; };
};

zone "awslab.mycompany.corp." IN {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port %[2]d; };
};
`

// demo is one run of the demo.
type demo struct {
	out    io.Writer
	ttl    int           // seconds, of demoName
	pause  time.Duration // between failovers, at least
	jitter time.Duration // so that they meet every phase of the TTL
	poll   time.Duration // between two questions to the forwarder

	resolver *vpcresolver.Resolver
	server   netip.AddrPort // the forwarder
}

// runDemo shows failovers through a forwarder and a stand-in for the VPC
// resolver, both on loopback, until ctx ends.
func runDemo(ctx context.Context, out io.Writer) error {
	d := &demo{out: out, ttl: 10, pause: 12 * time.Second, jitter: 6 * time.Second, poll: 200 * time.Millisecond}
	return d.run(ctx)
}

func (d *demo) run(ctx context.Context) error {
	upstream, err := d.startResolver()
	if err != nil {
		return fmt.Errorf("starting the VPC resolver's stand-in: %w", err)
	}
	defer d.resolver.Close()
	server, err := d.newServer(upstream.Port())
	if err != nil {
		return fmt.Errorf("setting the forwarder up: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(ctx)
		stop()
	}()
	select {
	case <-server.Ready():
		d.explain(upstream)
		d.play(ctx)
	case <-ctx.Done():
	}
	stop()
	return <-served
}

func (d *demo) startResolver() (netip.AddrPort, error) {
	var err error
	if d.resolver, err = vpcresolver.New(testdata.Zone, true); err != nil {
		return netip.AddrPort{}, err
	}
	if err := d.move(demoAddresses[0]); err != nil {
		return netip.AddrPort{}, err
	}
	return d.resolver.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
}

// newServer goes the way of every configuration: through a named.conf.
func (d *demo) newServer(upstream uint16) (*forwarder.Server, error) {
	dir, err := os.MkdirTemp("", "forwarder-demo-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d.server = netip.AddrPortFrom(loopback, freePort(demoPort))
	path := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, demoConfig, d.server.Port(), upstream), 0o600); err != nil {
		return nil, err
	}
	cfg, _, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	return forwarder.New(cfg, forwarder.Options{})
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// freePort returns a port that is free on loopback for UDP and TCP: the
// preferred one, or one near it.
func freePort(preferred uint16) uint16 {
	for port := preferred; port < preferred+100; port++ {
		if isFree(netip.AddrPortFrom(loopback, port)) {
			return port
		}
	}
	return preferred // the forwarder will say who has it
}

func isFree(addr netip.AddrPort) bool {
	stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer packets.Close()
	return true
}

func (d *demo) explain(upstream netip.AddrPort) {
	ask := fmt.Sprintf("dig @%s -p %d", d.server.Addr(), d.server.Port())
	fmt.Fprintf(d.out, `The forwarder listens on %s, in front of a stand-in for the VPC
resolver on %s.
Ask it, in another terminal:

    %s %s
    %[3]s bigtext.awslab.mycompany.corp TXT

%[4]s has a TTL of %d s. It moves, and moves
again about %v after that is seen. Ctrl-C ends.

`, host.Address(d.server), host.Address(upstream), ask, strings.TrimSuffix(demoName, "."), d.ttl, d.pause+d.jitter/2)
}

// demoAddresses are where demoName goes to and fro.
var demoAddresses = [2]string{"10.79.252.13", "10.79.253.13"}

// play moves the name until ctx ends.
func (d *demo) play(ctx context.Context) {
	for turn := 1; ; turn++ {
		address := demoAddresses[turn%2]
		left, _ := d.watch(ctx, "", d.pause+rand.N(d.jitter))
		if ctx.Err() != nil {
			return
		}
		moved := time.Now()
		if err := d.move(address); err != nil {
			fmt.Fprintln(d.out, err)
			return
		}
		fmt.Fprintf(d.out, "%s  moved to %s, with %d s of the old answer left …", moved.Format(time.TimeOnly), address, left)
		if _, seen := d.watch(ctx, address, time.Minute); !seen {
			fmt.Fprintln(d.out, " not answered")
			continue
		}
		fmt.Fprintf(d.out, " answered after %.1f s\n", time.Since(moved).Seconds())
	}
}

func (d *demo) move(address string) error {
	return d.resolver.Set(fmt.Sprintf("%s %d IN A %s", demoName, d.ttl, address))
}

// watch asks the forwarder until it answers the wanted address, for the given
// time at most, and returns the TTL, in seconds, of the last answer.
func (d *demo) watch(ctx context.Context, wanted string, most time.Duration) (left uint32, seen bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(d.poll)
	defer tick.Stop()
	for {
		if address, ttl, ok := d.ask(ctx); ok {
			left = ttl
			if address == wanted {
				return left, true
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return left, false
		}
	}
}

// ask returns the forwarder's answer: an address and its TTL in seconds.
func (d *demo) ask(ctx context.Context) (address string, ttl uint32, ok bool) {
	question := new(dns.Msg).SetQuestion(demoName, dns.TypeA)
	reply, _, err := new(dns.Client).ExchangeContext(ctx, question, d.server.String())
	if err != nil || len(reply.Answer) == 0 {
		return "", 0, false
	}
	a, ok := reply.Answer[0].(*dns.A)
	if !ok {
		return "", 0, false
	}
	return a.A.String(), a.Hdr.Ttl, true
}
