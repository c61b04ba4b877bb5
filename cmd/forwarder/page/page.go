package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"vpcdns/forwarder"
)

// Options are what a Page is made of.
type Options struct {
	Server *forwarder.Server

	// Stats returns the counters that the metrics show too; nil: Server's.
	Stats func() forwarder.Stats

	// Fill adds to a document what the Server does not know, and may be nil. It is
	// called a few times a second at most, by one goroutine at a time.
	Fill func(*Document)

	// Clients lets the document show clients by their addresses.
	Clients bool

	// Hold is told of a request that lasts as long as its viewer looks, so that its
	// connection counts elsewhere (MaxViewers bounds them), and returns what is to be
	// called at its end. It may be nil.
	Hold func(*http.Request) (release func())
}

// Page is the status page of one Server. All methods may be called concurrently.
type Page struct {
	server      *forwarder.Server
	stats       func() forwarder.Stats
	fill        func(*Document)
	hold        func(*http.Request) func()
	showClients bool
	sampler     *sampler
	hub         hub

	mu   sync.Mutex
	made time.Time // when the document was
	now  message

	pastMu sync.Mutex
	pastAt time.Time // of the latest point of the history
	past   message
}

// New returns a Page, whose charts and events begin once Run runs.
func New(o Options) *Page {
	p := &Page{
		server: o.Server, stats: o.Stats, fill: o.Fill, hold: o.Hold, showClients: o.Clients,
		sampler: newSampler(o.Server), hub: hub{of: make(map[*viewer]bool)},
	}
	if p.stats == nil {
		p.stats = o.Server.Stats
	}
	if p.hold == nil {
		p.hold = func(*http.Request) func() { return func() {} }
	}
	st := p.stats()
	p.sampler.begin(time.Now(), &st)
	return p
}

// Run looks at the server once a second, and tells the viewers, until ctx ends; then
// it ends them, and waits for them.
func (p *Page) Run(ctx context.Context) {
	defer p.hub.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.second()
		case <-ctx.Done():
			return
		}
	}
}

func (p *Page) second() {
	st := p.stats()
	p.sampler.sample(time.Now(), &st)
	if p.hub.isEmpty() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.make(st)
	p.hub.tell(p.now.event)
}

// fresh is how old a document may be that is asked for.
const fresh = 200 * time.Millisecond

// status returns the document of now.
func (p *Page) status() message {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.made) > fresh {
		p.make(p.stats())
	}
	return p.now
}

// history returns the history, which is made once a second at most.
func (p *Page) history() message {
	p.pastMu.Lock()
	defer p.pastMu.Unlock()
	if at := p.sampler.sampledAt(); p.past.json == nil || at != p.pastAt {
		p.past, p.pastAt = newMessage("history", encode(p.sampler.history())), at
	}
	return p.past
}

// maxDocument bounds the document in octets: what others give, and then names, are left
// out of a larger one.
const maxDocument = 1 << 20

// make makes the document; mu is held.
func (p *Page) make(st forwarder.Stats) {
	d := p.document(st)
	text := encode(d)
	for len(text) > maxDocument && (d.shedPeers() || d.shedNames()) {
		text = encode(d)
	}
	p.now, p.made = newMessage("status", text), time.Now()
}

// shedPeers leaves half of the lists of peers out, if there is something in them.
func (d *Document) shedPeers() (shed bool) {
	for i := range d.Peers {
		p := &d.Peers[i]
		shed = shed || len(p.Given)+len(p.Disagreeing) > 0
		p.Given, p.GivenMore = halved(p.Given, p.GivenMore)
		p.Disagreeing, p.DisagreeingMore = halved(p.Disagreeing, p.DisagreeingMore)
	}
	return shed
}

func (d *Document) shedNames() (shed bool) {
	shed = len(d.Names) > 0
	d.Names, d.NamesMore = halved(d.Names, d.NamesMore)
	return shed
}

func halved[T any](list []T, more int) ([]T, int) {
	half := len(list) / 2
	return list[:half], more + len(list) - half
}

// encode writes JSON, which has no line breaks.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // a float that is no number
		panic(fmt.Sprintf("page: writing JSON: %v", err))
	}
	return text
}
