// Package trouble keeps what is wrong: each trouble has a first line in the log
// and a last one, however often it shows itself between them. State goes in, lines
// come out. Times are handed in, as a time.Duration on one clock that never goes
// back; nothing here waits, reads a clock or knows DNS.
package trouble

import (
	"slices"
	"strings"
	"time"
)

// Kind says what is wrong. It has the name that metrics have.
type Kind string

// The kinds of trouble.
const (
	Outage        Kind = "outage"            // a server does not answer
	Local         Kind = "local-error"       // a server cannot be asked, for a reason on this host
	Source        Kind = "source-address"    // servers cannot be asked from one of several addresses
	Failing       Kind = "failures"          // upstream answers for a zone with failures
	FailingServer Kind = "server-failures"   // one of several servers does
	Slow          Kind = "slow"              // a server is slower than is usual
	Budget        Kind = "budget"            // the packet budget is exhausted
	Queue         Kind = "queue"             // the queue of what is to be asked is full
	Clients       Kind = "recursive-clients" // that many questions are being asked
	Fetches       Kind = "fetches"           // fetches-per-zone or fetches-per-server is reached
	Allowance     Kind = "allowance"         // the instance exceeds what EC2 allows
	Forgery       Kind = "forgery"           // somebody guesses at answers
	Cookies       Kind = "cookies"           // a server's cookies are not ours
	Loop          Kind = "loop"              // what is asked comes back
	Address       Kind = "address"           // an address is not served
	Log           Kind = "log"               // a log cannot be written
	Peer          Kind = "peer"              // the other forwarder of a pair does not answer
	Pair          Kind = "pair"              // the two give different data
	Dnstap        Kind = "dnstap"            // what is tapped cannot be written
)

// OfServer reports whether the subjects of a kind are servers.
func (k Kind) OfServer() bool {
	switch k {
	case Outage, Local, FailingServer, Slow, Forgery, Cookies:
		return true
	}
	return false
}

// OfZone reports whether they are zones.
func (k Kind) OfZone() bool { return k == Failing || k == Fetches || k == Loop }

// Key tells troubles apart.
type Key struct {
	Kind    Kind
	Subject string // a server, zone, interface, address or file; "" where there is one only
}

// Start is a trouble that begins.
type Start struct {
	Key
	Text  string        // what the first line says, and the last one says was so
	Note  string        // more for the first line alone
	Since time.Duration // when it began, which may be before it was noticed
	Zones []string      // that it concerns; nil: all; empty: no query of any
	Harm  Harm          // done before it was noticed
	Told  bool          // another line has said so: the first one is not written
}

// Trouble is one that is open.
type Trouble struct {
	Start
	Times int // how often it began: it comes and goes
	Good  bool
}

// Line is a line for the log.
type Line struct {
	Kind Kind // "" is about troubles of several kinds
	Text string
}

const (
	// maxKept bounds the troubles that are kept. More at once are one trouble
	// that shows in many ways.
	maxKept = 256

	// A trouble that comes back within flapTime has to be gone for minSettle, and
	// each time for twice as long, before it is told that it ended.
	flapTime  = 10 * time.Minute
	minSettle = 5 * time.Second
	maxSettle = 30 * time.Minute

	// What shows itself at moments is still so until nothing was seen for signGap:
	// who looks does so once a second.
	signGap = 3 * time.Second

	// lineBurst lines may be written at once, and then one each lineEvery.
	lineBurst = 40
	lineEvery = 15 * time.Second
)

// entry is a trouble that is open, or has ended a while ago.
type entry struct {
	Trouble
	open   bool
	good   time.Duration // since when nothing is wrong; never: something is
	how    string        // how it ended, or would
	settle time.Duration
}

const never = time.Duration(-1)

// Table is the troubles that are open. The zero value has none. It is used by one
// goroutine at a time.
type Table struct {
	entries []*entry // in the order in which they began
	lines   []Line

	paid   time.Duration // the lines that were written are paid for at one each lineEvery
	untold int           // lines that were too many
}

// Begin notes that something is wrong. What is known already is not told again.
func (t *Table) Begin(s Start, now time.Duration) {
	e := t.find(s.Key)
	switch {
	case e == nil:
		if e = t.room(now); e == nil {
			t.untold++
			return
		}
		e.Start, e.Times = s, 0
	case e.open && e.good == never:
		return
	case e.open: // it came back before it had ended, or shows itself again
		if e.Good {
			e.Times++
		}
		e.good, e.Good = never, false
		return
	default:
		e.settle = min(max(minSettle, 2*e.settle), maxSettle)
		e.Start = s
	}
	e.open, e.good, e.Good, e.Times = true, never, false, 1
	if !s.Told {
		t.say(e, firstLine(&e.Start, now), now)
	}
}

// End notes that a trouble is over; how says what is so now. One that comes and
// goes ends when it has been gone for a while. It does nothing for what is not
// open, or is over.
func (t *Table) End(k Key, how string, now time.Duration) {
	if e := t.find(k); e != nil && e.open && e.good == never {
		e.good, e.Good, e.how = now, true, how
		t.settle(e, now)
	}
}

// Sign notes a trouble that shows itself at moments only: it is over when nothing
// was seen of it for hold.
func (t *Table) Sign(s Start, hold time.Duration, how string, now time.Duration) {
	t.Begin(s, now)
	if e := t.find(s.Key); e != nil && e.open {
		e.settle = max(e.settle, hold)
		e.good, e.how = now, how
	}
}

// Drop ends troubles at once whose subject is no longer of interest, and says so.
func (t *Table) Drop(now time.Duration, how string, gone func(Key) bool) {
	for _, e := range t.entries {
		if e.open && gone(e.Key) {
			t.close(e, now, e.Text+": "+how, now)
		}
	}
}

// Tick ends what has been over for long enough, and forgets what is long past. It
// is to be called about once a second.
func (t *Table) Tick(now time.Duration) {
	for _, e := range t.entries {
		e.Good = e.good != never && (e.Good || now-e.good >= signGap)
		t.settle(e, now)
	}
	t.entries = slices.DeleteFunc(t.entries, func(e *entry) bool {
		return !e.open && now-e.good > max(flapTime, 2*e.settle)
	})
	if n := t.untold; n > 0 && t.mayWrite(now) {
		t.untold = 0
		t.lines = append(t.lines, Line{Text: plural(n, "line") + " about further troubles left out: forwarder status lists what is open"})
	}
}

// Close says of each open trouble that it was so until the end.
func (t *Table) Close(now time.Duration) {
	for _, e := range t.entries {
		if e.open && !e.Good {
			t.close(e, now, "at the end still: "+e.Text, now)
		} else {
			e.settle = 0
			t.settle(e, now)
		}
	}
}

// Lines returns the lines that are to be written, and forgets them.
func (t *Table) Lines() []Line {
	lines := t.lines
	t.lines = nil
	return lines
}

// Open lists the open troubles, those that began first at the front. Those that
// come and go, and are gone now, are among them.
func (t *Table) Open() []Trouble {
	var list []Trouble
	for _, e := range t.entries {
		if e.open {
			list = append(list, e.Trouble)
		}
	}
	return list
}

// Has reports whether something of this key is wrong now.
func (t *Table) Has(k Key) bool {
	e := t.find(k)
	return e != nil && e.open && e.good == never
}

// Add counts what became of a zone's queries for all troubles that concern it.
func (t *Table) Add(zone string, h *Harm) {
	for _, e := range t.entries {
		if !e.open || e.Zones != nil && !slices.Contains(e.Zones, zone) {
			continue
		}
		e.Harm.add(zone, h)
	}
}

func (t *Table) find(k Key) *entry {
	for _, e := range t.entries {
		if e.Key == k {
			return e
		}
	}
	return nil
}

// room returns a new entry, or nil when there are too many open ones.
func (t *Table) room(now time.Duration) *entry {
	if len(t.entries) >= maxKept {
		past := slices.IndexFunc(t.entries, func(e *entry) bool { return !e.open })
		if past < 0 {
			return nil
		}
		t.entries = slices.Delete(t.entries, past, past+1)
	}
	e := new(entry)
	t.entries = append(t.entries, e)
	return e
}

// settle ends e if it has been over for long enough.
func (t *Table) settle(e *entry, now time.Duration) {
	if e.open && e.good != never && now-e.good >= e.settle {
		t.close(e, e.good, e.how, now)
	}
}

// close ends e, which was over at end.
func (t *Table) close(e *entry, end time.Duration, how string, now time.Duration) {
	e.open, e.good, e.Good = false, end, true
	t.say(e, lastLine(&e.Trouble, how, end), now)
}

func (t *Table) say(e *entry, text string, now time.Duration) {
	if !t.mayWrite(now) {
		t.untold++
		return
	}
	t.lines = append(t.lines, Line{e.Kind, text})
}

// mayWrite takes a line from what may be written.
func (t *Table) mayWrite(now time.Duration) bool {
	paid := max(t.paid, now)
	if paid-now > (lineBurst-1)*lineEvery {
		return false
	}
	t.paid = paid + lineEvery
	return true
}

// firstLine is how a trouble begins in the log.
func firstLine(s *Start, now time.Duration) string {
	text := s.Text
	if d := now - s.Since; d >= time.Second {
		text += " (for " + Lasted(d) + " now)"
	}
	if s.Note != "" {
		text += "; " + s.Note
	}
	if len(s.Zones) > 0 && !s.Kind.OfZone() {
		text += "; zones: " + names(s.Zones)
	}
	return text
}

// lastLine is how it ends.
func lastLine(t *Trouble, how string, end time.Duration) string {
	var b strings.Builder
	b.WriteString(how + " (after " + Lasted(max(0, end-t.Since)))
	if t.Times > 1 {
		b.WriteString(", " + plural(t.Times, "time"))
	}
	b.WriteString(")")
	if t.Zones == nil || len(t.Zones) > 0 {
		b.WriteString("; " + t.Harm.String())
	}
	if zones := t.zones(); len(zones) > 0 && !t.Kind.OfZone() {
		b.WriteString("; zones: " + names(zones))
	}
	return b.String()
}

// zones are those that a trouble concerns, or those whose queries failed.
func (t *Trouble) zones() []string {
	if t.Zones != nil {
		return t.Zones
	}
	return t.Harm.zones
}
