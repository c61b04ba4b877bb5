package logging

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Logs are the open channels of a Config and the loggers that write to them.
// Its methods may be called from any goroutine.
type Logs struct {
	env env

	changing sync.Mutex // held while channels are opened or closed

	mu         sync.RWMutex // held for reading while a line is queued
	debug      int
	routes     map[string][]*channel // by category, only those of the Config
	last       *channel              // of last resort, or nil
	channels   []*channel            // in the order of the Config
	categories map[string]*category  // that have been asked for
	losses     map[string]*loss      // by channel; they outlive a Swap
}

// category outlives a Swap: loggers point to it.
type category struct {
	name     string
	level    atomic.Int64 // the lowest level that any channel writes
	channels []*channel   // guarded by Logs.mu
}

// env is what Logs uses of the world.
type env struct {
	now    func() time.Time
	stderr io.Writer
	syslog []string // sockets to try
	tag    string   // the program's name in syslog
}

func hostEnv() env {
	return env{
		now:    time.Now,
		stderr: os.Stderr,
		syslog: []string{"/dev/log", "/var/run/syslog", "/var/run/log"},
		tag:    filepath.Base(os.Args[0]),
	}
}

// Open opens the channels of c. It fails only for a Config that contradicts
// itself (a category names an unknown channel, an unknown syslog facility): a
// file that cannot be opened is reported and tried again later, and a missing
// directory of a file is made, with a warning in category general.
func Open(c Config) (*Logs, error) { return open(c, hostEnv()) }

func open(c Config, e env) (*Logs, error) {
	l := &Logs{env: e, categories: make(map[string]*category), losses: make(map[string]*loss)}
	if err := l.Swap(c); err != nil {
		return nil, err
	}
	return l, nil
}

// Swap opens the channels of c, leads all loggers to them and closes the
// former ones. No line is lost or written twice. When it fails nothing has
// changed.
func (l *Logs) Swap(c Config) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	channels, routes, err := l.build(c)
	if err != nil {
		return err
	}
	for _, ch := range channels {
		go ch.run() // closeAll waits for it
	}
	made := openAll(channels)

	l.mu.Lock()
	old := l.channels
	l.channels, l.routes, l.last = channels, routes, lastOf(channels, c)
	l.losses = lossesOf(channels)
	for _, cat := range l.categories {
		l.route(cat)
	}
	l.mu.Unlock()

	for _, dir := range made {
		l.Logger("general").Warn("made the missing log directory", "path", dir)
	}
	return closeAll(old)
}

// build turns a Config into channels, none of them open yet, and routes.
func (l *Logs) build(c Config) ([]*channel, map[string][]*channel, error) {
	byName := make(map[string]*channel)
	var channels []*channel
	for _, ch := range configured(c) {
		lost := l.lossOf(ch.Name)
		s, err := l.newSink(ch, lost)
		if err != nil {
			return nil, nil, fmt.Errorf("opening log channel %s: %w", ch.Name, err)
		}
		// As in named, the built-in default_debug speaks only while
		// debugging; one that the configuration redefines always does.
		debugOnly := ch.Name == "default_debug" && !slices.ContainsFunc(c.Channels, named(ch.Name))
		byName[ch.Name] = &channel{Channel: ch, queue: newQueue(s, l.note(ch), lost), debugOnly: debugOnly}
	}
	for _, ch := range byName {
		channels = append(channels, ch)
	}
	slices.SortFunc(channels, func(a, b *channel) int { return cmp.Compare(a.Name, b.Name) })
	routes, err := route(categories(c), byName)
	return channels, routes, err
}

func named(name string) func(Channel) bool {
	return func(c Channel) bool { return c.Name == name }
}

// route looks up the channels of each category.
func route(categories map[string][]string, byName map[string]*channel) (map[string][]*channel, error) {
	routes := make(map[string][]*channel, len(categories))
	for category, names := range categories {
		list := []*channel{} // not nil: a category without channels is silent
		for _, name := range names {
			ch, ok := byName[name]
			if !ok {
				return nil, fmt.Errorf("category %s: undefined channel %q", category, name)
			}
			list = append(list, ch)
		}
		routes[category] = list
	}
	return routes, nil
}

// route points c at its channels and sets its level. It needs l.mu.
func (l *Logs) route(c *category) {
	list, ok := l.routes[c.name]
	if !ok {
		list = l.routes["default"]
	}
	c.channels = list
	level := slog.Level(math.MaxInt32)
	for _, ch := range list {
		level = min(level, ch.threshold(l.debug))
	}
	c.level.Store(int64(level))
}

// Logger returns the logger of a category. It stays valid over Swap, and asking
// it whether a level is enabled costs one atomic load.
func (l *Logs) Logger(name string) *slog.Logger {
	return slog.New(&handler{logs: l, category: l.category(name)})
}

// Handler returns a handler for loggers that name their category by the attribute
// CategoryKey, as in With(CategoryKey, "resolver"); without it is general.
func (l *Logs) Handler() slog.Handler { return &handler{logs: l, category: l.category("general")} }

func (l *Logs) category(name string) *category {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.categories[name]
	if !ok {
		c = &category{name: name}
		l.categories[name] = c
		l.route(c)
	}
	return c
}

// SetDebug sets the debug level of the server (named -d, rndc trace), which
// channels of severity dynamic follow; 0 is off.
func (l *Logs) SetDebug(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.debug = n
	for _, c := range l.categories {
		l.route(c)
	}
}

// Debug returns the debug level.
func (l *Logs) Debug() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.debug
}

// lastOf returns the channel of last resort, or nil.
func lastOf(channels []*channel, c Config) *channel {
	name := "default_syslog"
	if c.Stderr {
		name = "default_stderr"
	}
	if i := slices.IndexFunc(channels, func(ch *channel) bool { return ch.Name == name }); i >= 0 && c.LastResort {
		return channels[i]
	}
	return nil
}

// write hands one message to the channels of its category. A notable one that none
// of them writes goes to the channel of last resort.
func (l *Logs) write(c *category, t time.Time, level slog.Level, body []byte, notable bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	written := false
	for _, ch := range c.channels {
		if level >= ch.threshold(l.debug) {
			ch.write(c.name, t, level, body)
			written = written || !ch.loss.isFailing()
		}
	}
	if notable && !written && l.last != nil {
		l.last.write(c.name, t, level, body)
	}
}

// Reopen closes and opens all files by name, for logrotate. The errors of
// files that could not be opened are returned; they are tried again later.
func (l *Logs) Reopen() error {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.mu.RLock()
	var channels []*channel
	for _, ch := range l.channels {
		if !ch.debugOnly || l.debug > 0 { // else an empty file that nobody asked for
			channels = append(channels, ch)
		}
	}
	l.mu.RUnlock()
	return reopenAll(channels)
}

// Close writes what is queued or buffered and closes all channels. What is
// logged later goes nowhere. A channel that hangs is given up after a second.
func (l *Logs) Close() error {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.mu.Lock()
	old := l.channels
	l.channels, l.routes, l.last = nil, nil, nil
	for _, c := range l.categories {
		l.route(c)
	}
	l.mu.Unlock()
	return closeAll(old)
}
