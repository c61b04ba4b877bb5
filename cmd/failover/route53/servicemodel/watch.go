package servicemodel

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Watcher is a handler that holds all that passes through it against a model.
type Watcher struct {
	model   *Model
	t       testing.TB
	handler http.Handler

	mu   sync.Mutex
	seen map[string]int // requests by operation
}

// Watch returns a handler that answers as h does, and fails the test for each
// request and reply that is not as the model has it:
//
//	api := httptest.NewServer(servicemodel.Load(t).Watch(t, route53.New(route53.Options{})))
//
// A reply that h gives up half way (http.ErrAbortHandler) passes unlooked at,
// and so does what is not XML: both are faults that a test asked for.
func (m *Model) Watch(t testing.TB, h http.Handler) *Watcher {
	return &Watcher{model: m, t: t, handler: h, seen: map[string]int{}}
}

// Seen returns how many requests for an operation there were.
func (w *Watcher) Seen(operation string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[operation]
}

func (w *Watcher) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.count(r)
	w.tell(r, "request", w.model.Request(r.Method, r.URL, body), body)
	recorder := httptest.NewRecorder()
	defer func() { // also of a reply that is given up, and panics on
		for name, values := range recorder.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(recorder.Code)
		_, _ = rw.Write(recorder.Body.Bytes()) // a client that has gone needs no reply
		_ = http.NewResponseController(rw).Flush()
	}()
	w.handler.ServeHTTP(recorder, r)
	reply := recorder.Body.Bytes()
	if bytes.HasPrefix(reply, []byte("<?xml")) {
		w.tell(r, "reply", w.model.Reply(r.Method, r.URL, recorder.Code, reply), reply)
	}
}

func (w *Watcher) count(r *http.Request) {
	if op, err := w.model.find(r.Method, r.URL.Path); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen[op.Name]++
	}
}

func (w *Watcher) tell(r *http.Request, what string, problems []string, document []byte) {
	if len(problems) > 0 {
		w.t.Errorf("the %s of %s %s is not as AWS's model has it: %s\n%.4000s", what, r.Method, r.URL, strings.Join(problems, "; "), document)
	}
}
