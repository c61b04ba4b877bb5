package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/rndc"
)

func queriesCommands() []command {
	return []command{
		{name: "queries", args: "[-c cursor] [name | client]", summary: "Show queries as they are answered: for some seconds, or with a cursor since the last time; of a name and all below it, or of an address or network", readOnly: true, run: showQueries},
	}
}

const (
	// tailFor and tailLines end one look of rndc: what comes first.
	tailFor   = 5 * time.Second
	tailLines = 100

	// tailPoll is how often there is a look: who answers wakes nobody.
	tailPoll = 50 * time.Millisecond

	// cursorFor is how long a look that goes on gathers before it is told, and
	// cursorIdle after how long nobody will go on with it.
	cursorFor  = time.Second
	cursorIdle = 15 * time.Second
)

func showQueries(ctx context.Context, d *daemon, args []string) (string, error) {
	cursor := ""
	if argument(args, 0) == "-c" {
		if cursor = argument(args, 1); cursor == "" {
			return "", rndc.UnexpectedEnd.With("")
		}
		args = args[2:]
	}
	client, name, err := tailFilter(argument(args, 0))
	if err != nil {
		return "", err
	}
	if cursor != "" {
		return d.tails.goOn(ctx, d, cursor+" "+argument(args, 0), func() *forwarder.Watch { return d.server.Watch(client, name) })
	}
	w := d.server.Watch(client, name)
	if w == nil {
		return "", errManyLook
	}
	defer w.Close()
	await(ctx, w, tailLines, tailFor)
	text := d.tailText(w, tailLines)
	if text == "" {
		text = fmt.Sprintf("no query in %.0f s", tailFor.Seconds())
	}
	return text, nil
}

var errManyLook = rndc.Failure.With("too many look at queries already: try again when one has ended")

// tailFilter reads what is to be seen: an address, a network, or a name.
func tailFilter(word string) (client netip.Prefix, name string, err error) {
	if word == "" {
		return client, "", nil
	}
	if a, err := netip.ParseAddr(word); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()), "", nil
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return p.Masked(), "", nil
	}
	name, err = nameArgument([]string{word})
	return client, name, err
}

// await returns when there are n lines, the time is over, or ctx ends.
func await(ctx context.Context, w *forwarder.Watch, n int, most time.Duration) {
	end := time.NewTimer(most)
	defer end.Stop()
	tick := time.NewTicker(tailPoll)
	defer tick.Stop()
	for w.Len() < n {
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// tailText has the lines that came since the last time, most at most, and how many
// were left out.
func (d *daemon) tailText(w *forwarder.Watch, most int) string {
	lines, missed := w.Take()
	if n := len(lines); n > most {
		missed += uint64(n - most)
		lines = lines[:most]
	}
	var b strings.Builder
	for i := range lines {
		b.WriteString(answeredText(d.server.Answered(&lines[i])) + "\n")
	}
	if missed > 0 {
		fmt.Fprintf(&b, "(%d more were left out)\n", missed)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// answeredText is one line. Flags are as in BIND's query log.
func answeredText(a forwarder.Answered) string {
	took := "at once"
	if a.Took > 0 {
		took = millis(a.Took)
	}
	rcode := dns.RcodeToString[a.Rcode]
	if rcode == "" {
		rcode = fmt.Sprintf("RCODE%d", a.Rcode)
	}
	return fmt.Sprintf("%s %s %s %s %s %s %s %s", a.At.Format("15:04:05.000"), clientText(a.Client), trimDot(a.Question.Name),
		dns.Type(a.Question.Qtype), flagText(a), rcode, a.Source, took)
}

func flagText(a forwarder.Answered) string {
	const rd, cd = 1 << 8, 1 << 4
	text := "-"
	if a.Flags&rd != 0 {
		text = "+"
	}
	for _, f := range []struct {
		is   bool
		text string
	}{{a.EDNS, "E"}, {a.TCP, "T"}, {a.DO, "D"}, {a.Flags&cd != 0, "C"}} {
		if f.is {
			text += f.text
		}
	}
	return text
}

// tails are the looks that go on, by cursor and filter.
type tails struct {
	mu   sync.Mutex
	open map[string]*openTail
}

type openTail struct {
	users int         // commands that look; tails.mu guards it
	idle  *time.Timer // closes it, while there are none

	mu    sync.Mutex // held while one looks
	watch *forwarder.Watch
}

// goOn returns what came since the last time, once there is something or a second is
// over.
func (t *tails) goOn(ctx context.Context, d *daemon, key string, watch func() *forwarder.Watch) (string, error) {
	o := t.enter(key, watch)
	if o == nil {
		return "", errManyLook
	}
	defer t.leave(o)
	o.mu.Lock()
	defer o.mu.Unlock()
	await(ctx, o.watch, 1, cursorFor)
	return d.tailText(o.watch, 1<<30), nil
}

// enter returns the look of that key, which is a new one if there is none; nil if that
// cannot be.
func (t *tails) enter(key string, watch func() *forwarder.Watch) *openTail {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.open[key]
	if o == nil {
		w := watch()
		if w == nil {
			return nil
		}
		o = &openTail{watch: w}
		o.idle = time.AfterFunc(cursorIdle, func() { t.end(key, o) })
		if t.open == nil {
			t.open = make(map[string]*openTail)
		}
		t.open[key] = o
	}
	o.idle.Stop()
	o.users++
	return o
}

func (t *tails) leave(o *openTail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.users--; o.users == 0 {
		o.idle.Reset(cursorIdle)
	}
}

// end closes a look, unless somebody has come meanwhile.
func (t *tails) end(key string, o *openTail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.users == 0 && t.open[key] == o {
		delete(t.open, key)
		o.watch.Close()
	}
}
