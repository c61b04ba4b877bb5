package top

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"vpcdns/cmd/forwarder/page"
)

const (
	// silence is how long a server may say nothing that sends a document each second.
	silence = 5 * time.Second

	// again is the pause before a server is asked again that is away.
	again = time.Second

	// maxEvent bounds an event: a document has a megabyte at most, a history less.
	maxEvent = 4 << 20
)

// server is where documents come from.
type server struct {
	url    string
	client *http.Client
}

// newServer takes a host and port. No proxy is asked: the status page is for who reaches
// its address.
func newServer(hostport string) *server {
	dialer := &net.Dialer{Timeout: silence}
	return &server{"http://" + hostport, &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: silence, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// follow tells each document as it comes, and why none does, until ctx ends.
func (s *server) follow(ctx context.Context, tell func(*page.Document, error)) {
	for {
		err := s.events(ctx, tell)
		if ctx.Err() != nil {
			return
		}
		tell(nil, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

var errSilent = errors.New("it says nothing")

// events follows one connection to its end.
func (s *server) events(ctx context.Context, tell func(*page.Document, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, err := s.get(ctx, "/api/v1/events")
	if err != nil {
		return err
	}
	defer body.Close()
	timer := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer timer.Stop()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxEvent)
	isStatus := false
	for lines.Scan() {
		timer.Reset(silence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimPrefix(value, " "); field {
		case "event":
			isStatus = value == "status"
		case "data":
			if !isStatus {
				continue
			}
			d, err := parse([]byte(value))
			if err != nil {
				return err
			}
			tell(d, nil)
		}
	}
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case lines.Err() != nil:
		return lines.Err()
	}
	return errors.New("it has closed the connection")
}

// document asks for one.
func (s *server) document(ctx context.Context) (*page.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	body, err := s.get(ctx, "/api/v1/status")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxEvent))
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// get returns the body of what is there.
func (s *server) get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	got, err := s.client.Do(r)
	if err != nil {
		return nil, cause(err)
	}
	if got.StatusCode == http.StatusOK {
		return got.Body, nil
	}
	defer got.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(got.Body, 300)) // a part is as good
	first, _, _ := strings.Cut(string(said), "\n")
	if got.StatusCode == http.StatusNotFound {
		first += ": no forwarder's metrics address, an old one, or one with --status-page=false"
	}
	return nil, fmt.Errorf("%d %s", got.StatusCode, first)
}

// cause leaves out what a user knows: what was asked for, and where.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func parse(text []byte) (*page.Document, error) {
	d := new(page.Document)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("reading its JSON: %w", err)
	}
	if d.Version != page.Version {
		return nil, fmt.Errorf("its JSON is of version %d, this program knows %d", d.Version, page.Version)
	}
	return d, nil
}
