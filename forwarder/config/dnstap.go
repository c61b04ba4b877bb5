package config

import (
	"strings"
	"time"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/version"
)

// Dnstap is which messages are tapped, and where they are written to.
type Dnstap struct {
	Queries, Responses DnstapMessages // dnstap; none of both is off

	Socket   bool   // Path is that of a unix socket, whose reader is connected to; else of a file
	Path     string // dnstap-output
	Size     int64  // above which the file is rolled, in octets; 0 is no limit
	Versions int    // rolled files that are kept: as in logging.Channel

	SuffixTimestamp bool   // they are named by time, not number
	Identity        string // dnstap-identity; "" says nothing
	Version         string // dnstap-version; "" says nothing

	Reopen time.Duration // fstrm-set-reopen-interval: between tries of an output that fails
}

// DnstapMessages is a set of kinds of messages.
type DnstapMessages uint8

// The kinds of messages, in BIND's words. What is asked of forwarders is of the kind
// resolver to BIND 9.18, which has none of the kind forwarder, and forwarder to 9.20.
const (
	DnstapAuth      DnstapMessages = 1 << iota // of a client that does not, or may not, ask for recursion
	DnstapClient                               // of another client
	DnstapResolver                             // to or from the servers of a zone, as 9.18 has them
	DnstapUpdate                               // of a client, dynamic updates
	DnstapForwarder                            // as DnstapResolver, as 9.20 has them; never with it
)

// dnstapMessages are BIND's words for them.
var dnstapMessages = map[string]DnstapMessages{
	"all":       DnstapAuth | DnstapClient | DnstapResolver | DnstapUpdate,
	"auth":      DnstapAuth,
	"client":    DnstapClient,
	"forwarder": DnstapForwarder,
	"resolver":  DnstapResolver,
	"update":    DnstapUpdate,
}

// Syntaxes of the options.
var (
	tappedMessages = listOf(sequence{
		words{"all", "auth", "client", "forwarder", "resolver", "update"}, optional{words{"query", "response"}},
	})
	tapOutput = sequence{words{"file", "unix"}, aString, anyOrder{
		optional{keyword("size"), choice{words{"unlimited"}, aSize}}, versions, suffix,
	}}
)

// defaultDnstap is what named 9.18 does where only dnstap and dnstap-output are given.
func defaultDnstap() Dnstap {
	d := Dnstap{Versions: logging.Unlimited, Version: "forwarder " + version.Number, Reopen: 5 * time.Second}
	if name := hostname(); name != nil {
		d.Identity = *name
	}
	return d
}

// dnstap reads `dnstap { KIND [query | response]; … }`.
func (b *builder) dnstap(s namedconf.Statement) {
	b.dnstapPos = s.Pos()
	d := &b.cfg.Dnstap
	d.Queries, d.Responses = 0, 0
	for _, m := range s.Items[1].Body {
		kinds := dnstapMessages[strings.ToLower(value(m, 0))]
		way := ""
		if len(m.Items) > 1 {
			way = strings.ToLower(value(m, 1))
		}
		if way != "response" {
			d.Queries |= kinds
		}
		if way != "query" {
			d.Responses |= kinds
		}
	}
	d.Queries, d.Responses = ofOneKind(d.Queries), ofOneKind(d.Responses)
}

// ofOneKind has what is asked of forwarders tapped once, whichever BIND the file was
// written for: where both kinds are wanted, as by the one that has both.
func ofOneKind(m DnstapMessages) DnstapMessages {
	if m&DnstapResolver != 0 {
		return m &^ DnstapForwarder
	}
	return m
}

// dnstapOutput reads `dnstap-output (file | unix) PATH [size S] [versions N] [suffix S]`.
func (b *builder) dnstapOutput(s namedconf.Statement) {
	d := &b.cfg.Dnstap
	d.Socket, d.Path = strings.EqualFold(value(s, 1), "unix"), value(s, 2)
	for i := 3; i+1 < len(s.Items); i += 2 {
		what, v := strings.ToLower(value(s, i)), value(s, i+1)
		if d.Socket {
			b.errorf(s.Items[i].Pos, "dnstap-output %s cannot be set with mode unix", what)
		}
		switch what {
		case "versions":
			d.Versions = keptVersions(v)
		case "size":
			d.Size = int64(min(uintOf(v), 1<<62)) // unlimited is 0
		case "suffix":
			d.SuffixTimestamp = strings.EqualFold(v, "timestamp")
		}
	}
}

// keptVersions is a number of rolled files, of which a channel's 0 means another thing.
func keptVersions(v string) int {
	if n := versionsOf(v); n != 0 {
		return n
	}
	return logging.Restart
}

// dnstapIdentity is quoted, none, or the host's name.
func (b *builder) dnstapIdentity(s namedconf.Statement) {
	v, text := s.Items[1], &b.cfg.Dnstap.Identity
	*text = v.Text
	if v.Kind == namedconf.String {
		return
	}
	if *text = ""; strings.EqualFold(v.Text, "hostname") {
		*text = defaultDnstap().Identity
	}
}

func (b *builder) dnstapVersion(s namedconf.Statement) {
	b.cfg.Dnstap.Version = ""
	if v := s.Items[1]; v.Kind == namedconf.String {
		b.cfg.Dnstap.Version = v.Text
	}
}

// reopenInterval has named's bounds.
func (b *builder) reopenInterval(s namedconf.Statement) {
	d, _ := namedconf.ParseDuration(value(s, 1))
	if d < time.Second || d > 600*time.Second {
		b.errorf(s.Items[1].Pos, "fstrm-set-reopen-interval '%d' out of range (1..600)", int64(d/time.Second))
		return
	}
	b.cfg.Dnstap.Reopen = d
}

// tapLimit reports a number that named does not start with.
func tapLimit(low, high uint64) setter {
	return func(b *builder, s namedconf.Statement) {
		n := uintOf(value(s, 1))
		if n < low || n > high {
			b.errorf(s.Items[1].Pos, "%s '%d' out of range (%d..%d)", s.Name(), n, low, high)
		}
		if s.Name() == "fstrm-set-input-queue-size" && n&(n-1) != 0 {
			b.errorf(s.Items[1].Pos, "%s '%d' not a power-of-2", s.Name(), n)
		}
	}
}

// finishDnstap makes the path one that holds wherever the process is.
func (b *builder) finishDnstap() {
	d := &b.cfg.Dnstap
	if d.Path == "" && b.dnstapPos != (namedconf.Pos{}) && !b.broken {
		b.errorf(b.dnstapPos, "'dnstap-output' must be set if 'dnstap' is set")
		return
	}
	if d.Path != "" {
		d.Path = b.path(d.Path)
	}
}
