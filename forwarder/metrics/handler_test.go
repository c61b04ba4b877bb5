package metrics

import (
	"bytes"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vpcdns/forwarder"
)

func TestHandler(t *testing.T) {
	tests := []struct {
		name, method, path, accept string
		status                     int
		body                       []string
	}{
		{name: "metrics", method: "GET", path: "/metrics", status: 200, body: []string{
			"\nforwarder_cache_entries 1012\n", "\ngo_goroutines ", "\npromhttp_metric_handler_errors_total",
		}},
		{name: "OpenMetrics", method: "GET", path: "/metrics", accept: "application/openmetrics-text; version=1.0.0", status: 200, body: []string{"# EOF\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var errors bytes.Buffer
			h := NewHandler(Options{
				Stats:  sample,
				Errors: log.New(&errors, "", 0),
			})
			r := httptest.NewRequest(test.method, test.path, nil)
			r.Header.Set("Accept", test.accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("%s %s = %d, want %d", test.method, test.path, w.Code, test.status)
			}
			for _, want := range test.body {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s %s lacks %q:\n%s", test.method, test.path, want, w.Body)
				}
			}
			if errors.Len() > 0 {
				t.Errorf("errors: %s", &errors)
			}
		})
	}
}

func TestErrorOfAScrapeIsLogged(t *testing.T) {
	bad := func() forwarder.Stats { return forwarder.Stats{Rcodes: map[string]uint64{"\xff": 1}} }
	var errors bytes.Buffer
	h := NewHandler(Options{Stats: bad, Errors: log.New(&errors, "", 0)})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nforwarder_cache_entries 0\n") {
		t.Errorf("scrape = %d, want 200 with what is good:\n%s", w.Code, w.Body)
	}
	if !strings.Contains(errors.String(), "forwarder_responses_total") {
		t.Errorf("logged %q, want what is bad", &errors)
	}
}
