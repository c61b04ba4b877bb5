package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

const (
	watchedName = "app.awslab.mycompany.corp"
	forOverride = "override add " + watchedName + " A "
)

// What is wrong is said in a sentence, with the number that scripts look at.
func TestWatchCommandErrors(t *testing.T) {
	c := startCommanded(t, "")
	label := strings.Repeat("a", 64)
	for line, want := range map[string]*rndc.Error{
		"watch":                                          rndc.UnexpectedEnd.With("it is used as: watch add name"),
		"watch add":                                      rndc.UnexpectedEnd.With(""),
		"watch delete":                                   rndc.UnexpectedEnd.With(""),
		"watch show":                                     rndc.UnexpectedEnd.With(""),
		"watch a.test b.test":                            rndc.Syntax.With("it is used as: watch add name"),
		"watch add a.test b.test":                        rndc.UnexpectedToken.With("one name is enough"),
		"watch a..test":                                  rndc.EmptyLabel.With(""),
		"watch " + label + ".test":                       rndc.LabelTooLong.With(""),
		"watch .":                                        rndc.Syntax.With("no domain name"),
		"watch delete no.test":                           rndc.NotFound.With("no.test is not watched"),
		"watch show no.test":                             rndc.NotFound.With("neither watched nor overridden"),
		"watch show no.test xml":                         rndc.Syntax.With("it is used as: watch add name"),
		"watch list all":                                 rndc.Syntax.With("watch list"),
		"guard":                                          rndc.UnexpectedEnd.With("guard clear name"),
		"guard clear":                                    rndc.UnexpectedEnd.With(""),
		"guard clear no.test":                            rndc.NotFound.With("no.test"),
		"guard break no.test":                            rndc.Syntax.With("guard clear name"),
		"history a b":                                    rndc.Syntax.With("history [name] [json]"),
		"history a..b":                                   rndc.EmptyLabel.With(""),
		"override":                                       rndc.UnexpectedEnd.With("override add name type data... [for duration] [lease token] [at time]"),
		"override list xml":                              rndc.Syntax.With("override list [json]"),
		"override add":                                   rndc.UnexpectedEnd.With(""),
		"override add " + watchedName:                    rndc.UnexpectedEnd.With("a type and its data are missing"),
		"override add " + watchedName + " A":             rndc.UnexpectedEnd.With("a type and its data are missing"),
		"override add " + watchedName + " B x":           rndc.Unknown.With("unknown type 'B'"),
		forOverride + "10.1.1":                           rndc.Syntax.With(`"10.1.1" is none of type A`),
		forOverride + "0.0.0.0":                          rndc.Syntax.With(`"0.0.0.0"`),
		forOverride + "::1":                              rndc.Syntax.With(`"::1" is none of type A`),
		forOverride + "10.1.1.1 ;":                       rndc.Syntax.With("no data for an override"),
		forOverride + "10.1.1.1 for":                     rndc.UnexpectedEnd.With("'for' has nothing behind it"),
		forOverride + "10.1.1.1 for ever":                rndc.BadNumber.With("'ever' is no duration: it is like 90, 90s, 5m, 1h or 1d"),
		forOverride + "10.1.1.1 for 0":                   rndc.OutOfRange.With("from 1 s to 24 h"),
		forOverride + "10.1.1.1 for 25h":                 rndc.OutOfRange.With("for 25h"),
		forOverride + "10.1.1.1 for 1h for 1h":           rndc.Syntax.With("'for' stands twice"),
		forOverride + "10.1.1.1 at noon":                 rndc.Syntax.With("'noon' is no time"),
		forOverride + "10.1.1.1 at 2999-01-01T00:00:00Z": rndc.Failure.With("correct the clocks"),
		forOverride + "10.1.1.1 lease " + strings.Repeat("t", 65): rndc.OutOfRange.With("is no token"),
		"override add " + watchedName + " CNAME other.test":       rndc.Syntax.With("type CNAME cannot be overridden"),
		"override add " + watchedName + " ANY x":                  rndc.Syntax.With("type ANY cannot be overridden"),
		"override add *.awslab.mycompany.corp A 10.1.1.1":         rndc.Syntax.With("only a name can be overridden"),
		"override add www.elsewhere.test A 10.1.1.1":              rndc.PermissionDenied.With("start with --override-zone"),
		"override add www.here.test A 10.1.1.1":                   rndc.PermissionDenied.With("below no explicit forward zone"),
		"override confirm " + watchedName:                         rndc.UnexpectedEnd.With("override confirm " + watchedName + " TOKEN"),
		"override confirm " + watchedName + " t":                  rndc.NotFound.With(watchedName),
		"override withdraw " + watchedName + " t":                 rndc.NotFound.With(watchedName),
		"override withdraw " + watchedName + " t t":               rndc.UnexpectedEnd.With("a name and a token"),
		"override delete " + watchedName:                          rndc.NotFound.With(watchedName),
		"override delete " + watchedName + " A A":                 rndc.Syntax.With("override delete name [type]"),
		"override delete " + watchedName + " B":                   rndc.Unknown.With("unknown type 'B'"),
		"verify":                                                  rndc.UnexpectedEnd.With("verify name type data... [for duration]"),
		"verify " + watchedName:                                   rndc.NotFound.With(watchedName),
		"verify " + watchedName + " A":                            rndc.UnexpectedEnd.With("data is missing"),
		"verify " + watchedName + " A x":                          rndc.Syntax.With(`"x" is none of type A`),
		"verify " + watchedName + " A 10.1.1.1 for 2h":            rndc.OutOfRange.With("from 1 s to 1 h"),
		"verify " + watchedName + " A 10.1.1.1 lease t":           rndc.Syntax.With("none of type A"),
	} {
		_, err := c.try(line)
		if got := new(rndc.Error); !errors.As(err, &got) || got.Result != want.Result || !strings.Contains(got.Text, want.Text) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

// decode reads the JSON that a command prints.
func decode[T any](c *commanded, line string) (v T) {
	c.t.Helper()
	d := json.NewDecoder(strings.NewReader(c.run(line)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return v
}

// wantNarrow wants lines that a terminal shows whole.
func wantNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if len(strings.TrimSuffix(line, "\n")) > width {
			t.Errorf("%q is longer than %d columns", line, width)
		}
	}
}

// An override is seen by people and programs until it ends.
func TestOverrideCommands(t *testing.T) {
	c := startCommanded(t, "")
	if got := c.run("override list"); got != "no override is in force" {
		t.Errorf("override list = %q", got)
	}
	if got := c.run("override list json"); got != "[]" {
		t.Errorf("override list json = %q, want an empty list", got)
	}
	if got := c.run(forOverride + "10.79.2.5 10.79.2.6 for 5m"); !strings.Contains(got, "there is no --state-file") {
		t.Errorf("override add without a state file says %q", got)
	}
	c.run("override add " + watchedName + " mx 10 mail.mycompany.corp. lease abc for 1h at " + time.Now().UTC().Format(time.RFC3339Nano))
	c.run("override add " + watchedName + " TXT two words")
	text := c.run("override list")
	wantNarrow(t, text)
	wantMatch(t, text, `\A`+watchedName+` A 10\.79\.2\.5, 10\.79\.2\.6$`, `^ +set 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \S+ \(\ds ago\) by this process$`,
		`^ +upstream says no data; it ends when that agrees for`, `^`+watchedName+` MX 10 mail\.mycompany\.corp\.$`,
		`^ +a lease: it ends at .* \(in \d+s\) unless it is$`, `^`+watchedName+` TXT "two" "words"$`)
	list := decode[[]watch.OverrideStatus](c, "override list json")
	if len(list) != 3 || list[1].Lease == nil || time.Until(list[0].Expires) > 5*time.Minute || strings.Join(list[0].Data, " ") != "10.79.2.5 10.79.2.6" {
		t.Errorf("override list json = %+v", list)
	}
	wantMatch(t, c.run("summary"), `^override +`+watchedName+` A: 10\.79\.2\.5, 10\.79\.2\.6`, `^changed +\d\d:\d\d:\d\d `+watchedName)
	if got := c.daemon.summary(); !strings.Contains(got, "3 overrides in force: "+watchedName) {
		t.Errorf("the line for systemd = %q", got)
	}
	c.run("override confirm " + watchedName + " abc")
	c.run("override delete " + watchedName + " MX")
	c.run("override delete " + watchedName)
	if got := c.run("override list"); got != "no override is in force" {
		t.Errorf("override list = %q", got)
	}
	c.run(forOverride + "10.79.2.7 lease t1")
	c.run("override withdraw " + watchedName + " t1")
	if got := c.run("override list json"); got != "[]" {
		t.Errorf("override list json after withdraw = %q", got)
	}
	history := c.run("history " + watchedName)
	wantNarrow(t, history)
	wantMatch(t, history, watchedName+` A: .*before$`, `10\.79\.2\.7; by override`)
	if got := decode[[]watch.Change](c, "history json"); len(got) < 6 || got[0].Source != watch.Operator {
		t.Errorf("history json = %+v", got)
	}
}

// All that is known of a watched name is shown, each in a form.
func TestWatchCommands(t *testing.T) {
	c := startCommanded(t, "")
	if err := c.resolver.Set(watchedName + ". 10 IN A 10.79.1.5"); err != nil {
		t.Fatal(err)
	}
	if got := c.run("watch list"); !strings.HasPrefix(got, "no name is watched") {
		t.Errorf("watch list = %q", got)
	}
	c.run("watch add " + strings.ToUpper(watchedName) + ".")
	c.run("watch *.lab.mycompany.corp")
	c.run("watch list.mycompany.corp")
	c.ask(watchedName+".", dns.TypeA)
	waitFor(t, "what upstream says in watch list", func() bool { return strings.Contains(c.run("watch list"), "10.79.1.5, since ") })
	wantMatch(t, c.run("watch list"), `\A\*\.lab\.mycompany\.corp$`, `^`+watchedName+`$`, `^  A +10\.79\.1\.5, since 20.*, TTL 10$`, `^list\.mycompany\.corp$`)
	c.run(forOverride + "10.79.2.5")
	c.run("verify " + watchedName + " A 10.79.2.5 for 90s")
	wantMatch(t, c.run("verify "+watchedName), `\A`+watchedName+`$`, `^  verify +A 10\.79\.2\.5: runs until `, `^ +asked \d+ times?: new 0, old`)
	if got := decode[[]watch.SetStatus](c, "verify "+watchedName+" json"); len(got) != 1 || got[0].Verify.Want[0] != "10.79.2.5" {
		t.Errorf("verify json = %+v", got)
	}
	c.ask(watchedName+".", dns.TypeA)
	text := c.run("watch show " + watchedName + " clients")
	wantNarrow(t, text)
	wantMatch(t, text, `\A`+watchedName+`: watched since 20`, `^  A +10\.79\.2\.5 \(override\); upstream says 10\.79\.1\.5, since`,
		`^  override +A 10\.79\.2\.5$`, `^  verify +A`, `^  holders +A 10\.79\.1\.5: 1 client may hold it until`, `^ +127\.0\.0\.1 until 20`,
		`^  history +20.* A: 10\.79\.2\.5, before`)
	st := decode[watch.Status](c, "watch show "+watchedName+" json clients")
	if !st.Watched || len(st.Sets) != 1 || len(st.Overrides) != 1 || len(st.Ledger[0].Names) != 1 || st.Sets[0].Given[0] != "10.79.2.5" {
		t.Errorf("watch show json = %+v", st)
	}
	if st := decode[watch.Status](c, "watch show "+watchedName+" json"); st.Ledger[0].Clients != 1 || len(st.Ledger[0].Names) != 0 {
		t.Errorf("watch show json without clients = %+v", st.Ledger)
	}
	c.run("watch delete *.lab.mycompany.corp")
	c.run("watch delete " + watchedName)
	if got := c.run("watch list"); got != "list.mycompany.corp" {
		t.Errorf("watch list = %q", got)
	}
}

// A read-only channel looks and changes nothing, whatever the form of the command.
func TestWatchCommandsReadOnly(t *testing.T) {
	for line, want := range map[string]bool{
		"watch list": true, "watch show a.test": true, "watch SHOW a.test json": true, "watch a.test": false, "watch add list": false,
		"watch delete a.test": false, "watch": false, "guard clear a.test": false, "history": true, "history a.test json": true,
		"override list": true, "override list json": true, "override add a.test A 10.1.1.1": false, "override delete list": false,
		"override confirm a.test t": false, "override withdraw a.test t": false, "override": false,
		"verify a.test": true, "verify a.test json": true, "verify a.test A 10.1.1.1": false,
	} {
		words := strings.Fields(line)
		if got := commandNamed(words[0]).harmless(words[1:]); got != want {
			t.Errorf("harmless(%s) = %v, want %v", line, got, want)
		}
	}
}

// Who asked is known to who does it.
func TestRequester(t *testing.T) {
	ctx := withRequest(context.Background(), rndc.Request{Key: "failover\x1b", From: freeAddr(t)})
	if got := requester(ctx); !strings.HasPrefix(got, "key 'failover?' at 127.0.0.1#") {
		t.Errorf("requester = %q", got)
	}
}

// A change of a name that nobody watches is in the history, and not on the screen.
func TestUnwatchedChange(t *testing.T) {
	c := startCommanded(t, "")
	const name = "other.awslab.mycompany.corp"
	for _, address := range []string{"10.79.1.5", "10.79.1.6"} {
		if err := c.resolver.Set(name + ". 1 IN A " + address); err != nil {
			t.Fatal(err)
		}
		c.ask(name+".", dns.TypeA)
	}
	waitFor(t, "the change in the history", func() bool {
		c.ask(name+".", dns.TypeA)
		list := decode[[]watch.Change](c, "history json")
		return len(list) == 1 && list[0].Name == name && !list[0].Watched
	})
	if text := c.run("summary"); strings.Contains(text, "changed") {
		t.Errorf("summary of a server that watches nothing says\n%s", text)
	}
}
