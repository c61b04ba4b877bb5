package tap

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/dnstap"
)

// The log says which output is opened and closed; one that stays is not told of.
func TestSet(t *testing.T) {
	var log bytes.Buffer
	tap := New(func() time.Duration { return 0 }, slog.New(slog.NewTextHandler(&log, nil)))
	defer tap.Close()
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	steps := []struct {
		name string
		c    config.Dnstap
		want []string // ends of lines
	}{
		{"off", config.Dnstap{}, nil},
		{"on", config.Dnstap{Queries: config.DnstapClient, Path: a}, []string{"opening dnstap destination '" + a + "'"}},
		{"other messages", config.Dnstap{Responses: config.DnstapAuth, Path: a}, nil},
		{"another file", config.Dnstap{Responses: config.DnstapAuth, Path: b}, []string{"closing dnstap destination '" + a + "'", "opening dnstap destination '" + b + "'"}},
		{"off again", config.Dnstap{Path: b}, []string{"closing dnstap destination '" + b + "'"}},
	}
	for _, step := range steps {
		log.Reset()
		tap.Set(&step.c)
		lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
		if log.Len() == 0 {
			lines = nil
		}
		if len(lines) != len(step.want) {
			t.Errorf("%s: the log is %q, want %q", step.name, lines, step.want)
			continue
		}
		for i, want := range step.want {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%s: line %q, want %q", step.name, lines[i], want)
			}
		}
	}
}

func TestWants(t *testing.T) {
	tap := New(func() time.Duration { return 0 }, slog.New(slog.DiscardHandler))
	defer tap.Close()
	tap.Set(&config.Dnstap{Queries: config.DnstapClient | config.DnstapUpdate, Responses: config.DnstapForwarder, Path: filepath.Join(t.TempDir(), "tap")})
	for kind, want := range map[dnstap.Type]bool{
		dnstap.ClientQuery: true, dnstap.ClientResponse: false, dnstap.AuthQuery: false,
		dnstap.UpdateQuery: true, dnstap.UpdateResponse: false,
		dnstap.ForwarderQuery: false, dnstap.ForwarderResponse: true, dnstap.ResolverResponse: false,
	} {
		if got := tap.Wants(kind); got != want {
			t.Errorf("Wants(%v) = %v, want %v", kind, got, want)
		}
	}
}
