package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"vpcdns/cmd/bench/markdown"
)

// starts measures the time to the first answer, and the memory of a server that
// has nothing to do.
func (b *bench) starts() error {
	for range b.rounds {
		servers, stop, err := b.start(except())
		if err != nil {
			return err
		}
		for _, s := range servers {
			b.results.add("start to first answer", 0, s.name, "ms", micros(s.startup)/1e3)
			b.results.add("resident, idle", 0, s.name, "MB", s.idle/1e6)
		}
		stop()
	}
	return nil
}

// small measures with few names: hits over UDP and TCP, a lone client, misses.
func (b *bench) small() error {
	servers, stop, err := b.start(except())
	if err != nil {
		return err
	}
	defer stop()
	file, err := b.few(servers)
	if err != nil {
		return err
	}
	if err := b.each("hits", servers, func(s *server) error { return b.hits(s, file) }); err != nil {
		return err
	}
	return b.each("misses", keep(servers, except(floor)), b.misses)
}

func warmAll(servers []*server, names int) error {
	for _, s := range servers {
		fmt.Fprintf(os.Stderr, "filling the cache of %s with %s names\n", s.name, markdown.Count(names))
		if err := warm(s, names); err != nil {
			return err
		}
	}
	return nil
}

// few has the servers cache the few names, also for clients of TCP where that
// makes a difference, and returns a file of questions for them.
func (b *bench) few(servers []*server) (file string, err error) {
	if err := warmAll(servers, fewNames); err != nil {
		return "", err
	}
	file = filepath.Join(b.dir, "few")
	if err := knownNames(file, fewNames, fewNames); err != nil {
		return "", err
	}
	for _, s := range keep(servers, except(floor)) {
		if _, err := dnsperf(b.ctx, s.addr, file, 4, time.Minute, "-m", "tcp", "-q", "64", "-n", "1"); err != nil {
			return "", fmt.Errorf("filling the cache of %s over TCP: %w", s.name, err)
		}
	}
	return file, nil
}

func (b *bench) hits(s *server, file string) error {
	if err := b.hit(hitTest, s, file, 16); err != nil {
		return err
	}
	if err := b.hit("UDP hit, 10 k names, 2 sockets", s, file, 2); err != nil {
		return err
	}
	if err := b.lone(s); err != nil {
		return err
	}
	if s.name == floor {
		return nil
	}
	return b.hit("TCP hit, pipelined", s, file, 16, "-m", "tcp")
}

// hit asks for the names in file.
func (b *bench) hit(test string, s *server, file string, sockets int, extra ...string) error {
	return b.cost(test, 0, s, func() (float64, error) {
		r, err := dnsperf(b.ctx, s.addr, file, sockets, b.time, append(extra, "-q", strconv.Itoa(window))...)
		return r.completed, err
	})
}

// misses asks for names that nobody asked for before.
func (b *bench) misses(s *server) error {
	b.series++
	file := filepath.Join(b.dir, "new")
	if err := newNames(file, int(200_000*b.time.Seconds()), b.series); err != nil {
		return err
	}
	return b.cost("miss", 0, s, func() (float64, error) {
		r, err := dnsperf(b.ctx, s.addr, file, 16, b.time, "-q", "100", "-n", "1")
		return r.completed, err
	})
}

// lone measures the round trips of one client that asks one question at a time.
func (b *bench) lone(s *server) error {
	c, err := newClients(s.addr, 1)
	if err != nil {
		return err
	}
	defer c.close()
	o := c.run(traffic{window: 1, count: 10_000, length: b.time, query: pick(fewNames)})
	b.results.add("round trip of a lone client, median", 0, s.name, "µs", micros(o.percentile(0.5)))
	b.results.add("round trip of a lone client, p99", 0, s.name, "µs", micros(o.percentile(0.99)))
	return nil
}

// pick asks for the known names in a random order.
func pick(names int) func(int) (string, int) {
	return func(int) (string, int) { return stem, rand.IntN(names) }
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// big measures with caches from 1 k to all names, which are filled step by step:
// the cost of a hit, memory, and the tail of latency.
func (b *bench) big() error {
	servers, stop, err := b.start(func(p peer) bool { return p.big })
	if err != nil {
		return err
	}
	defer stop()
	pair := keep(servers, only(ours, floor))
	for names := 1000; names < b.names; names *= 10 {
		if err := b.namesCost(pair, names); err != nil {
			return err
		}
	}
	if err := b.manyNames(servers); err != nil {
		return err
	}
	if err := b.namesCost(pair, b.names); err != nil {
		return err
	}
	for _, s := range keep(servers, except(floor)) {
		if err := b.memory(s); err != nil {
			return err
		}
	}
	return b.tails(servers)
}

func (b *bench) namesCost(servers []*server, names int) error {
	if err := warmAll(servers, names); err != nil {
		return err
	}
	return b.each(markdown.Count(names)+" names", servers, func(s *server) error { return b.crowd(namesTest, names, s, 16, names) })
}

// memory records what each name has added to the resident set.
func (b *bench) memory(s *server) error {
	resident, err := s.resident()
	b.results.add("resident, each of "+markdown.Count(b.names)+" names", 0, s.name, "octets", (resident-s.idle)/float64(b.names))
	return err
}

// tails measures the round trips at a rate that the server does not feel as a
// load, one in ten a miss.
func (b *bench) tails(servers []*server) error {
	const rate = 50_000
	return b.each("tails", keep(servers, except("named")), func(s *server) error {
		b.series++
		c, err := newClients(s.addr, 16)
		if err != nil {
			return err
		}
		defer c.close()
		o := c.run(traffic{rate: rate, length: 2 * b.time, query: mix(b.names, b.series)})
		test := "mixed load, 50 k/s, " + markdown.Count(b.names) + " names, 10 % misses: "
		b.results.add(test+"p99", 0, s.name, "µs", micros(o.percentile(0.99)))
		b.results.add(test+"p99.9", 0, s.name, "µs", micros(o.percentile(0.999)))
		b.results.add(test+"lost", 0, s.name, "%", 100*float64(o.lost)/float64(o.answered+o.lost))
		return nil
	})
}

// mix asks nine times for a known name, then for a new one.
func mix(names, series int) func(int) (string, int) {
	known, fresh := pick(names), fmt.Sprintf("mix%dx", series)
	return func(i int) (string, int) {
		if i%10 == 9 {
			return fresh, i
		}
		return known(i)
	}
}

// sockets measures the cost of a hit by the number of clients.
func (b *bench) sockets() error {
	servers, stop, err := b.start(only(ours, floor))
	if err != nil {
		return err
	}
	defer stop()
	if err := warmAll(servers, fewNames); err != nil {
		return err
	}
	return b.each("sockets", servers, func(s *server) error {
		for n := 1; n <= 10_000; n *= 10 {
			if err := b.crowd(socketsTest, n, s, n, fewNames); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyNames has all servers cache all names, of which each load asks for others.
func (b *bench) manyNames(servers []*server) error {
	if err := warmAll(servers, b.names); err != nil {
		return err
	}
	file, some := filepath.Join(b.dir, "many"), int(300_000*b.time.Seconds())
	return b.each("many names", servers, func(s *server) error {
		if err := knownNames(file, b.names, some); err != nil {
			return err
		}
		return b.hit("UDP hit, "+markdown.Count(b.names)+" names, 16 sockets", s, file, 16)
	})
}

// crowd asks for so many names from so many sockets.
func (b *bench) crowd(test string, n int, s *server, sockets, names int) error {
	c, err := newClients(s.addr, sockets)
	if err != nil {
		return err
	}
	defer c.close()
	return b.cost(test, n, s, func() (float64, error) {
		o := c.run(traffic{window: window, length: b.time, query: pick(names)})
		return float64(o.answered), nil
	})
}

// readers measures the forwarder with one reader and with two on two cores. On a
// machine with two cores only, the load has a share of one of them.
func (b *bench) readers() error {
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	forwarder := b.peers[slices.IndexFunc(b.peers, func(p peer) bool { return p.name == ours })]
	for readers, cores := range []string{serverCore, spareCores} {
		s, err := startServer(forwarder, b.dir, cores, b.upstream, "-n", strconv.Itoa(readers+1))
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	file, err := b.few(servers)
	if err != nil {
		return err
	}
	return b.each("readers", servers, func(s *server) error {
		readers := slices.Index(servers, s) + 1
		return b.cost("reader cores", readers, s, func() (float64, error) {
			r, err := dnsperf(b.ctx, s.addr, file, 16, b.time, "-q", strconv.Itoa(window))
			b.results.add("k queries/s, reader cores", readers, s.name, "k/s", r.rate/1e3)
			return r.completed, err
		})
	})
}
