package pair

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"vpcdns/forwarder/control"
)

// Corporate is a DNS server that asks the forwarders, and is told to forget a name.
type Corporate struct {
	Text string // as given
	how  func(ctx context.Context, name, rtype, address string) error
}

// toldTime is how long a corporate server, or a command, may take.
const toldTime = 10 * time.Second

// maxSaid is how much of what a command says is shown.
const maxSaid = 300

// ParseCorporate reads rndc:HOST[:PORT], unbound-control:HOST[@PORT] or exec:COMMAND.
// keys is asked for the first only, whose first address counts.
func ParseCorporate(ctx context.Context, text string, keys func() (control.Keys, error)) (Corporate, error) {
	kind, rest, _ := strings.Cut(text, ":")
	c := Corporate{Text: text}
	if strings.TrimSpace(rest) == "" {
		return c, fmt.Errorf("%q is not like rndc:HOST, unbound-control:HOST or exec:COMMAND", text)
	}
	switch kind {
	case "rndc":
		found, err := control.Find(ctx, rest, keys)
		if err != nil {
			return c, err
		}
		s := Server{found[0]}
		c.how = func(ctx context.Context, name, _, _ string) error { return s.Flush(ctx, name) }
	case "unbound-control":
		c.how = func(ctx context.Context, name, _, _ string) error {
			return run(ctx, nil, "unbound-control", "-s", rest, "flush", name)
		}
	case "exec":
		c.how = func(ctx context.Context, name, rtype, address string) error {
			return run(ctx, []string{"NAME=" + name, "TYPE=" + rtype, "ADDRESS=" + address}, shell[0], shell[1], rest)
		}
	default:
		return c, fmt.Errorf("%q is not like rndc:HOST, unbound-control:HOST or exec:COMMAND", text)
	}
	return c, nil
}

// Flush tells the server.
func (c Corporate) Flush(ctx context.Context, o Order) error {
	ctx, cancel := context.WithTimeout(ctx, toldTime)
	defer cancel()
	if err := c.how(ctx, o.Name, o.Type, strings.Join(o.Data, " ")); err != nil {
		return fmt.Errorf("flushing %s by %s: %w", o.Name, c.Text, err)
	}
	return nil
}

// run runs a program, and has what it says in the error.
func run(ctx context.Context, environ []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.WaitDelay = time.Second // for children that keep the output open
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return errors.New("it did not end in time")
	}
	said := strings.Join(strings.Fields(string(out)), " ")
	if err != nil && said != "" {
		return fmt.Errorf("%w: %s", err, said[:min(len(said), maxSaid)])
	}
	return err
}
