package metrics

import (
	"bytes"
	"net/http"
	"time"
)

// turns lets one scrape be made after the other, each with as long a rest behind
// it as it took: whoever asks for many, or for one with very many zones, takes half
// of one CPU at most, and the others wait for their turn. What is made goes out
// whole, so that a client that goes away, or reads slowly, is no error and in
// nobody's way.
type turns struct {
	make http.Handler
	busy chan struct{} // has a value while one is made, and in the rest behind it
}

func newTurns(h http.Handler) *turns { return &turns{h, make(chan struct{}, 1)} }

func (t *turns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case t.busy <- struct{}{}:
	case <-r.Context().Done():
		return // who asked is gone, or was told that it takes too long
	}
	began := time.Now()
	made := page{header: w.Header(), status: http.StatusOK}
	defer func() { time.AfterFunc(time.Since(began), func() { <-t.busy }) }()
	t.make.ServeHTTP(&made, r)
	w.WriteHeader(made.status)
	_, _ = w.Write(made.body.Bytes()) // a client that is gone wants no more
}

// page is a reply that is made.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header         { return p.header }
func (p *page) WriteHeader(status int)      { p.status = status }
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }
