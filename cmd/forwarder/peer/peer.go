package peer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/watch"
)

// State is how a peer is.
type State string

// The states of a peer.
const (
	Waiting   State = "waiting" // it has just been asked for the first time
	Agrees    State = "agrees"
	Disagrees State = "disagrees" // for longer than TTLs explain
	Down      State = "down"      // it gives no answer that can be compared
)

const (
	// missedRounds without an answer are no lost packet.
	missedRounds = 3

	// soon is how long two that both watch a name may differ: they do not hear of it in
	// the same moment, and are asked once a second.
	soon = 2 * time.Second
)

// set is a name and type that is compared.
type set struct {
	watch.Set
	ours, theirs answer
	at           time.Time // of the last answer; zero: there was none
	differing    bool      // at the last look
	pair         [2]string // what the two gave then
	since        time.Time // when that began
	explained    time.Time // TTLs explain it until then
	told         bool      // it lasts longer
}

func (s *set) key() key { return key{s.Name, s.Type} }

// fault is why nothing can be compared.
type fault struct {
	text    string // what the peer does
	answers bool   // it answers
}

// peer is one that is asked. It is used by one goroutine at a time.
type peer struct {
	addr   netip.AddrPort
	begun  time.Time
	order  []*set // by name and type
	byKey  map[key]*set
	turn   int       // where the last round ended
	missed int       // rounds since an answer that can be compared
	heard  time.Time // when that came; zero: there was none
	rtt    time.Duration
	fault  fault // why it is down
	told   bool  // the trouble that is told is one of a peer that answers
	state  State
	since  time.Time
}

func newPeer(addr netip.AddrPort, now time.Time) *peer {
	return &peer{addr: addr, begun: now, state: Waiting, since: now, byKey: make(map[key]*set)}
}

// follow makes the sets those that are watched.
func (p *peer) follow(watched []watch.Set) {
	was := p.byKey
	p.byKey, p.order = make(map[key]*set, len(watched)), p.order[:0]
	for _, w := range watched {
		s := was[key{w.Name, w.Type}]
		if s == nil {
			s = &set{}
		}
		s.Set = w
		p.byKey[s.key()] = s
		p.order = append(p.order, s)
	}
}

// alive is asked where nothing is watched: every server knows what to say.
var alive = key{".", dns.TypeNS}

// next are the questions of a round: those in which the two differ, then the others by
// turns.
func (p *peer) next() (list []key) {
	if len(p.order) == 0 {
		return []key{alive}
	}
	chosen := make(map[key]bool)
	for _, s := range p.order {
		if s.differing && len(list) < maxAsked/2 {
			list, chosen[s.key()] = append(list, s.key()), true
		}
	}
	for range p.order {
		if len(list) == maxAsked {
			break
		}
		p.turn = (p.turn + 1) % len(p.order)
		if k := p.order[p.turn].key(); !chosen[k] {
			list = append(list, k)
		}
	}
	return list
}

// take notes what came of a round; held is what is given here. It returns what is
// overridden there and not known here, and so is to be asked for.
func (p *peer) take(replies []reply, err error, held func(name string, rtype uint16) *dns.Msg, now time.Time) (look []key) {
	p.missed++
	why := fault{text: "does not answer"}
	if err != nil {
		why.text += ": " + err.Error()
	}
	for i := range replies {
		r := &replies[i]
		if r.kind == failed {
			why = fault{fmt.Sprintf("answers with %s: it is to let this forwarder ask (allow-query, allow-query-cache)", r.why), true}
		} else {
			p.missed, p.heard = 0, now
		}
		p.rtt = smoothed(p.rtt, r.took)
		if s := p.byKey[r.key]; s != nil && !(r.kind == cut && s.stands(now)) {
			s.theirs, s.at = s.given(r.answer), now
			if s.compare(read(held(s.Name, s.Type), s.Type), now); r.overridden && !s.ours.isKnown() {
				look = append(look, r.key)
			}
		}
	}
	p.settle(why, now)
	return look
}

// stands reports whether what was given there still counts while TCP brings nothing.
func (s *set) stands(now time.Time) bool {
	const longest = 30 * time.Second // a thousand names take ten for their turns
	return s.theirs.isKnown() && now.Sub(s.at) < longest
}

// given is what clients get there. Who would ask upstream for a name that is overridden
// here has no override.
func (s *set) given(a answer) answer {
	if a.kind == unknown && s.Overridden {
		return assumed(s.Upstream)
	}
	return a
}

// smoothed is the mean of round trips (RFC 6298, 2.3).
func smoothed(mean, took time.Duration) time.Duration {
	if mean == 0 || took == 0 {
		return max(mean, took)
	}
	return mean + (took-mean)/8
}

// compare notes whether what is given here differs from what is given there. A difference
// goes on that is the same as before one of the two did not know for a while.
func (s *set) compare(ours answer, now time.Time) {
	was, pair := s.differing, [2]string{ours.end, s.theirs.end}
	s.ours, s.differing = ours, !s.Varies && ours.differs(&s.theirs)
	switch {
	case s.differing && !was && pair != s.pair:
		s.begin(now)
	case !s.differing && s.isCompared():
		s.forget()
	}
	if s.differing {
		s.pair = pair
	}
	s.told = s.differing && now.After(s.explained)
}

func (s *set) isCompared() bool { return s.ours.isKnown() && s.theirs.isKnown() }

// forget forgets a difference.
func (s *set) forget() { s.differing, s.told, s.pair, s.since = false, false, [2]string{}, time.Time{} }

// begin notes a difference. Who watches a name gives it without a TTL: else the older
// data may be kept for what is left of that.
func (s *set) begin(now time.Time) {
	s.since, s.explained = now, now.Add(soon)
	if s.theirs.ttl > 0 {
		ttl := time.Duration(max(s.theirs.ttl, s.ours.ttl)) * time.Second
		s.explained = now.Add(max(soon, ttl+time.Second))
	}
}

// settle decides how the peer is.
func (p *peer) settle(why fault, now time.Time) {
	switch first := p.firstTold(); {
	case p.missed >= missedRounds:
		p.fault = why
		p.become(Down, p.silentSince())
		for _, s := range p.order { // nobody can tell any more
			s.forget()
		}
	case p.heard.IsZero() || p.missed > 0 && p.state == Down:
	case first != nil:
		p.become(Disagrees, first.since)
	default:
		p.become(Agrees, now)
	}
	if p.state != Down {
		p.fault = fault{}
	}
}

func (p *peer) silentSince() time.Time {
	if p.heard.IsZero() {
		return p.begun
	}
	return p.heard
}

func (p *peer) become(s State, since time.Time) {
	if p.state != s {
		p.state, p.since = s, since
	}
}

// firstTold is the difference that lasts longest, nil if TTLs explain all.
func (p *peer) firstTold() (first *set) {
	for _, s := range p.order {
		if s.told && (first == nil || s.since.Before(first.since)) {
			first = s
		}
	}
	return first
}

// text is what a set's data are on both sides.
func (s *set) text() string {
	if s.theirs.assumed {
		return fmt.Sprintf("%s %s is not overridden there (upstream says %s), %s here", s.Name, dns.Type(s.Type), s.theirs.text(), s.ours.text())
	}
	return fmt.Sprintf("%s %s is %s there, %s here", s.Name, dns.Type(s.Type), s.theirs.text(), s.ours.text())
}

func (a *answer) text() string {
	if len(a.data) == 0 {
		return "nothing"
	}
	return strings.Join(a.data, " ")
}

// disagreements are the differences that last too long, the oldest first.
func (p *peer) disagreements() []*set {
	list := slices.DeleteFunc(slices.Clone(p.order), func(s *set) bool { return !s.told })
	slices.SortStableFunc(list, func(a, b *set) int { return a.since.Compare(b.since) })
	return list
}
