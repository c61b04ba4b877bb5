package metrics

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder"
)

// handlerOf returns a handler of these Stats, and what it logs.
func handlerOf(stats func() forwarder.Stats) (http.Handler, *bytes.Buffer) {
	var logged bytes.Buffer
	return NewHandler(Options{Stats: stats, Errors: log.New(&logged, "", 0)}), &logged
}

func scrape(h http.Handler, ctx context.Context) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil).WithContext(ctx))
	return w
}

// A client that goes away while its scrape is made is no error to be logged.
func TestAbortedScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := func() {}
		h, logged := handlerOf(func() forwarder.Stats { leave(); return sample() })
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			leave = cancel
			scrape(h, ctx)
			cancel()
			time.Sleep(time.Minute) // it was made, and rested
		}
		if logged.Len() > 0 {
			t.Errorf("aborted scrapes are logged:\n%.500s", logged)
		}
		if w := scrape(h, t.Context()); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nforwarder_cache_entries ") {
			t.Errorf("the next one = %d, want 200 with metrics", w.Code)
		}
	})
}

// Scrapes that come at once are all answered, one after the other, with a rest
// between them.
func TestScrapesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const scrapes, each = 5, time.Second
		var mu sync.Mutex
		atOnce, most := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			atOnce += by
			most = max(most, atOnce)
		}
		h, _ := handlerOf(func() forwarder.Stats {
			count(1)
			defer count(-1)
			time.Sleep(each)
			return sample()
		})
		began := time.Now()
		var all sync.WaitGroup
		for range scrapes {
			all.Go(func() {
				if w := scrape(h, t.Context()); w.Code != http.StatusOK {
					t.Errorf("scrape = %d, want 200", w.Code)
				}
			})
		}
		all.Wait()
		if took, want := time.Since(began), (2*scrapes-1)*each; took != want || most != 1 {
			t.Errorf("%d scrapes take %v, %d at once; want %v, one", scrapes, took, most, want)
		}
	})
}

// A scrape that hangs, and those behind it, end with 503. It does not matter to
// what comes when it hangs no more.
func TestScrapeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		h, logged := handlerOf(func() forwarder.Stats { <-hangs; return sample() })
		for range 2 {
			began := time.Now()
			if w := scrape(h, t.Context()); w.Code != http.StatusServiceUnavailable || time.Since(began) != scrapeTimeout {
				t.Errorf("scrape = %d after %v, want 503 after %v", w.Code, time.Since(began), scrapeTimeout)
			}
		}
		close(hangs)
		time.Sleep(time.Minute)
		if w := scrape(h, t.Context()); w.Code != http.StatusOK {
			t.Errorf("scrape = %d afterwards, want 200", w.Code)
		}
		if logged.Len() > 0 {
			t.Errorf("logged:\n%.500s", logged)
		}
	})
}
