package forwarder

import (
	"context"
	"encoding/binary"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// DnstapStats is what the tap has done: see the package dnstap.
type DnstapStats = dnstap.Stats

// ErrNotTapped says that the configuration has no dnstap.
var ErrNotTapped = dnstap.ErrOff

// Dnstap returns what the tap has done.
func (s *Server) Dnstap() DnstapStats { return s.tap.Stats() }

// ReopenDnstap begins another file for what is tapped, or connects to its reader anew
// (rndc dnstap -reopen).
func (s *Server) ReopenDnstap(ctx context.Context) error { return s.tap.Reopen(ctx) }

// RollDnstap is ReopenDnstap that keeps so many former files: 0 is as many as the
// configuration says, and less all of them (rndc dnstap -roll).
func (s *Server) RollDnstap(ctx context.Context, keep int) error { return s.tap.Roll(ctx, keep) }

// setTap makes the tap do as the configuration says.
func (s *Server) setTap(c *config.Dnstap) {
	on := c.Queries|c.Responses != 0
	if on {
		s.setObserver(observedByTap, true)
	}
	s.tap.Set(c)
	s.setObserver(observedByTap, on)
}

// upstreamTypes are those of what is asked upstream: a tap has one or the other of each
// pair (config.DnstapForwarder).
var upstreamTypes = []struct{ query, response dnstap.Type }{
	{dnstap.ResolverQuery, dnstap.ResolverResponse},
	{dnstap.ForwarderQuery, dnstap.ForwarderResponse},
}

// upstreamTap gives the tap what is asked upstream (upstream.Tap).
type upstreamTap struct{ *engine }

func (u upstreamTap) On() bool {
	return observers(u.observing.Load())&observedByTap != 0 && (u.wanted(false) != 0 || u.wanted(true) != 0)
}

// wanted is the type by which queries or responses are tapped; 0: they are not.
func (u upstreamTap) wanted(response bool) dnstap.Type {
	for _, t := range upstreamTypes {
		kind := t.query
		if response {
			kind = t.response
		}
		if u.tap.Wants(kind) {
			return kind
		}
	}
	return 0
}

// Message taps m as named does with what it forwards.
func (u upstreamTap) Message(m upstream.TappedMessage) {
	to := dnstap.Message{
		Type: u.wanted(m.Response), TCP: m.TCP, Asker: m.Source, Answerer: m.Server,
		Zone: u.zoneAsked(m.Msg), Asked: u.clock.at(m.Sent), Data: m.Msg,
	}
	if m.Response {
		to.Answered = u.clock.at(m.Came)
	}
	if to.Type != 0 {
		u.tap.Put(&to)
	}
}

// zoneAsked is the zone whose servers are asked a message's question, in wire form; ""
// where there is no question.
func (e *engine) zoneAsked(msg []byte) string {
	st := e.state.Load()
	if st == nil || msg[4] == 0 && msg[5] == 0 {
		return ""
	}
	var buf [maxKey]byte
	name := wire.AppendName(buf[:0], msg, wire.HeaderLen)
	if at := wire.HeaderLen + len(name); len(name) > 0 && at+2 <= len(msg) {
		if z := st.routes.find(wire.AppendLower(name[:0], name), binary.BigEndian.Uint16(msg[at:])); z != nil {
			return wire.PackName(z.name)
		}
	}
	return ""
}
