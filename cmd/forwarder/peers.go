package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/cmd/forwarder/peer"
	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// meetPeers makes what asks the other forwarders of a pair. One that is this forwarder
// would always agree.
func (d *daemon) meetPeers() error {
	if err := d.flags.fitPeers(d.server.Addrs()); err != nil {
		return err
	}
	d.peers = peer.New(peer.Options{
		Addrs: d.flags.peers, Watched: d.server.WatchedSets, Held: d.server.Held, Look: d.server.Look, Source: d.askFrom,
		Log: func(line string) { d.log(logging.Warning, "%s", line) },
	})
	return nil
}

// askPeers asks them until stop is called.
func (d *daemon) askPeers() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.peers.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

// askFrom is the address that a peer is asked from, which is to be the one by which it
// knows this forwarder. Of two on one machine the kernel would take 127.0.0.1 for both.
func (d *daemon) askFrom(to netip.Addr) netip.Addr {
	for _, a := range d.server.Addrs() {
		if to.Is4() && to.IsLoopback() && a.Addr().Is4() && a.Addr().IsLoopback() {
			return a.Addr()
		}
	}
	return netip.Addr{}
}

// peerTroubles are those of peers.
func (d *daemon) peerTroubles() (list []forwarder.Trouble) {
	for _, t := range d.peers.Troubles() {
		list = append(list, forwarder.Trouble{
			TroubleStats: forwarder.TroubleStats{Kind: string(t.Kind), Subject: t.Subject, Since: t.Began, Now: !t.Good},
			Text:         t.Text,
		})
	}
	return list
}

func (d *daemon) peerStats() (list []forwarder.PeerStats) {
	for _, s := range d.peers.Status() {
		up := s.State == peer.Agrees || s.State == peer.Disagrees
		list = append(list, forwarder.PeerStats{Server: s.Addr, Up: up, Last: s.Last, Sets: len(s.Sets), Compared: s.Known, Disagreeing: s.Differ})
	}
	return list
}

// peerText is a peer in forwarder status.
func (o *overview) peerText(s *peer.Status) string {
	text := fmt.Sprintf("%s %s since %s", host.Address(s.Addr), s.State, o.clock(s.Since))
	switch s.State {
	case peer.Waiting:
		return text
	case peer.Down:
		return text + ": it " + s.Fault
	}
	text += fmt.Sprintf(", RTT %s; %d of %d compared", millis(s.RTT), s.Known, len(s.Sets))
	if s.Differ > 0 {
		text += fmt.Sprintf(", %d differ", s.Differ)
	}
	return text
}

// pagePeers are the peers as the page has them.
func (d *daemon) pagePeers() []page.Peer { return page.PeersOf(d.peers.Status()) }
