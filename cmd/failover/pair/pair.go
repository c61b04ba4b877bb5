// Package pair tells the forwarders of a pair, and other DNS servers, that a name has
// another address: over the control channel, and with the commands of their own.
package pair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"vpcdns/forwarder/rndc"
)

// Server is a forwarder, or a BIND, that has a control channel. Safe for concurrent use.
type Server struct {
	Name    string         // as messages have it: 10.0.0.1#953
	Control netip.AddrPort // of the control channel
	Key     *rndc.Key
}

// ErrUnreachable is that no reply came that can be believed.
var ErrUnreachable = errors.New("unreachable")

// ErrUnknown is that the server does not know the command: it is a BIND, or too old.
var ErrUnknown = errors.New("unknown command")

// ErrNotFound is that it has nothing of that name.
var ErrNotFound = errors.New("not found")

// Refusal is what a server says that does not do what it was told.
type Refusal struct {
	Server, Command string
	Result, Text    string
}

func (r *Refusal) Error() string {
	said := r.Result
	if r.Text != "" {
		said += ": " + r.Text
	}
	return fmt.Sprintf("%s refuses '%s': %s", r.Server, r.Command, said)
}

// Is lets the two results that callers branch on be asked for.
func (r *Refusal) Is(target error) bool {
	return target == ErrUnknown && r.Result == "unknown command" || target == ErrNotFound && r.Result == "not found"
}

// replyTime is how long a server may take, from the connection to the reply.
const replyTime = 3 * time.Second

// Do gives a command and returns the text of the reply. That ctx was cancelled is no
// trouble of the server's: the error is ctx's then.
func (s *Server) Do(ctx context.Context, words ...string) (string, error) {
	text, err := s.do(ctx, words)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return "", fmt.Errorf("waiting for %s: %w", s.Name, context.Canceled)
	}
	return text, err
}

func (s *Server) do(ctx context.Context, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	c, err := rndc.Dial(ctx, s.Control, netip.Addr{}, s.Key)
	if err != nil {
		return "", s.unreachable(err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	reply, err := c.Do(strings.Join(words, " "))
	switch {
	case err != nil:
		return "", s.unreachable(err)
	case reply.Err != "":
		return "", &Refusal{s.Name, strings.Join(words[:min(2, len(words))], " "), reply.Err, reply.Text}
	}
	return reply.Text, nil
}

// Null asks whether the server is there, and knows the key.
func (s *Server) Null(ctx context.Context) error {
	_, err := s.Do(ctx, "null")
	return err
}

func (s *Server) unreachable(err error) error {
	return fmt.Errorf("%s is %w: %s", s.Name, ErrUnreachable, reason(err))
}

// reason is what is said of a connection that failed.
func reason(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, rndc.ErrClosed):
		return "it closed the connection: it does not know the key, does not allow this host, or the clocks differ by more than 5 minutes"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, net.ErrClosed):
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return err.Error()
}
