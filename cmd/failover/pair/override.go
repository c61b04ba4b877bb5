// Package pair tells the forwarders of a pair, and other DNS servers, that a name has
// another address: over the control channel, and with the commands of their own.
package pair

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vpcdns/forwarder/control"
	"vpcdns/forwarder/watch"
)

// Server is a forwarder, or a BIND, that can be told of an Order.
type Server struct{ *control.Server }

// Order is data that a name is to have at the forwarders.
type Order struct {
	Name  string
	Type  string // A or AAAA
	Data  []string
	Token string        // of the lease
	Set   time.Time     // when it was decided: of two orders the later counts
	For   time.Duration // 0: the forwarder's longest
}

// Add puts the order in force, as a lease of 10 s if it is one.
func (s Server) Add(ctx context.Context, o Order, lease bool) error {
	words := append([]string{"override", "add", o.Name, o.Type}, o.Data...)
	if o.For > 0 {
		words = append(words, "for", fmt.Sprintf("%.0fs", o.For.Seconds()))
	}
	if lease {
		words = append(words, "lease", o.Token)
	}
	words = append(words, "at", o.Set.UTC().Format(time.RFC3339Nano))
	_, err := s.Do(ctx, words...)
	return err
}

// Confirm lets a lease stay.
func (s Server) Confirm(ctx context.Context, o Order) error {
	_, err := s.Do(ctx, "override", "confirm", o.Name, o.Token)
	return err
}

// Withdraw ends what was added with the order's token.
func (s Server) Withdraw(ctx context.Context, o Order) error {
	_, err := s.Do(ctx, "override", "withdraw", o.Name, o.Token)
	return err
}

// Delete ends a name's overrides, all types if it is "".
func (s Server) Delete(ctx context.Context, name, rtype string) error {
	_, err := s.Do(ctx, strings.Fields("override delete "+name+" "+rtype)...)
	return err
}

// Overrides are all that are in force.
func (s Server) Overrides(ctx context.Context) (list []watch.OverrideStatus, err error) {
	return list, s.read(ctx, &list, "override", "list", "json")
}

// Verify lets the forwarder ask its upstream until that gives the data.
func (s Server) Verify(ctx context.Context, o Order, most time.Duration) error {
	words := append([]string{"verify", o.Name, o.Type}, o.Data...)
	_, err := s.Do(ctx, append(words, "for", fmt.Sprintf("%.0fs", min(most, time.Hour).Seconds()))...)
	return err
}

// Flush drops the name from the cache.
func (s Server) Flush(ctx context.Context, name string) error {
	_, err := s.Do(ctx, "flushname", name)
	return err
}

// Show is what the forwarder knows of a name.
func (s Server) Show(ctx context.Context, name string, clients bool) (st watch.Status, err error) {
	words := []string{"watch", "show", name, "json"}
	if clients {
		words = append(words, "clients")
	}
	return st, s.read(ctx, &st, words...)
}

// read gives a command whose reply is JSON.
func (s Server) read(ctx context.Context, into any, words ...string) error {
	text, err := s.Do(ctx, words...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("reading what %s says to '%s': %w", s, strings.Join(words, " "), err)
	}
	return nil
}
