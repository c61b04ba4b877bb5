package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/rndc"
)

// drain sends balancers away, and nobody else.
func TestDrainCommand(t *testing.T) {
	c := startCommanded(t, "")
	health := c.healthHandler(t.Context())
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		health.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	const drained = "not ready: it is told to drain: 'forwarder rndc drain off' undoes it\n"
	for _, step := range []struct {
		line  string
		ready bool
	}{
		{"null", true}, {"drain", false}, {"drain on", false}, {"null", false},
		{"drain off", true}, {"drain OFF", true}, {"drain yes", false}, {"drain no", true},
	} {
		c.run(step.line)
		code, body := get("/readyz")
		if ready := code == http.StatusOK; ready != step.ready || !ready && (code != http.StatusServiceUnavailable || body != drained) {
			t.Errorf("after %s: /readyz = %d, %q, want ready: %v", step.line, code, body, step.ready)
		}
		if code, body := get("/healthz"); code != http.StatusOK {
			t.Errorf("after %s: /healthz = %d, %q, want 200", step.line, code, body)
		}
		if reply := c.ask("myservice.awslab.mycompany.corp.", dns.TypeA); reply.Rcode != dns.RcodeSuccess {
			t.Errorf("after %s the answer is\n%v", step.line, reply)
		}
		if got := strings.Contains(c.run("summary"), "\ndraining    since "); got == step.ready {
			t.Errorf("after %s the summary tells of draining: %v", step.line, got)
		}
		if got := strings.Contains(c.daemon.summary(), ", draining"); got == step.ready {
			t.Errorf("after %s the line of systemctl status tells of draining: %v", step.line, got)
		}
	}
	var wrong *rndc.Error
	if _, err := c.try("drain maybe"); !errors.As(err, &wrong) || *wrong != *rndc.Syntax.With("it is used as: drain [on | off]") {
		t.Errorf("drain maybe: %v, want a syntax error that says how", err)
	}
}
