// Package control gives commands over control channels, of forwarders and of BIND: it finds
// their addresses and keys, and says what went wrong in words for operators.
package control

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

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/rndc"
)

// Server is a forwarder, or a BIND, that has a control channel. Safe for concurrent use.
type Server struct {
	Addr netip.AddrPort // of the control channel
	Key  *rndc.Key
}

// String is the server as messages have it: 10.0.0.1#953.
func (s *Server) String() string { return host.Address(s.Addr) }

// Find returns a server for each address of a name, with their key; MaxAddrs at most.
func Find(ctx context.Context, name string, keys func() (Keys, error)) (list []*Server, err error) {
	key, err := keyFor(name, keys)
	if err != nil {
		return nil, err
	}
	addrs, err := LookupAll(ctx, name, Port)
	if err != nil {
		return nil, err
	}
	if len(addrs) > MaxAddrs {
		return nil, fmt.Errorf("it has %d addresses, %d are the most: is it the name of the forwarders?", len(addrs), MaxAddrs)
	}
	for _, addr := range addrs {
		list = append(list, &Server{addr, key})
	}
	return list, nil
}

// keyFor finds the key by the name or address as it was given.
func keyFor(name string, keys func() (Keys, error)) (*rndc.Key, error) {
	k, err := keys()
	if err != nil {
		return nil, err
	}
	bare, _, err := SplitHost(name, Port)
	if err != nil {
		return nil, err
	}
	return k.For(bare)
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
		return "", fmt.Errorf("waiting for %s: %w", s, context.Canceled)
	}
	return text, err
}

func (s *Server) do(ctx context.Context, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	c, err := rndc.Dial(ctx, s.Addr, netip.Addr{}, s.Key)
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
		return "", &Refusal{s.String(), strings.Join(words[:min(2, len(words))], " "), reply.Err, reply.Text}
	}
	return reply.Text, nil
}

// Null asks whether the server is there, and knows the key.
func (s *Server) Null(ctx context.Context) error {
	_, err := s.Do(ctx, "null")
	return err
}

func (s *Server) unreachable(err error) error {
	return fmt.Errorf("%s is %w: %s", s, ErrUnreachable, reason(err))
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
