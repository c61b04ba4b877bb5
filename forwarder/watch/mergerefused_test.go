package watch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Of a page with a fault nothing is taken; of one with a single thing that is faulty, all
// else.
func TestMergeRefuses(t *testing.T) {
	table, m := everything(t)
	must(t, table.Unwatch("*.pool.example", m))
	must(t, table.Watch("*.pond.example", m))
	good, err := table.Export(ExportFrom{}, MinExport, m)
	must(t, err)
	edit := func(old, new string) string {
		s := strings.Replace(string(good), old, new, 1)
		if s == string(good) {
			t.Fatalf("no %q in %s", old, good)
		}
		return s
	}
	var times strings.Builder
	for i := range 2 * maxNames {
		fmt.Fprintf(&times, `"%d.example":%q,`, i, day.Format(time.RFC3339))
	}
	for name, tt := range map[string]struct{ page, want string }{
		"empty":             {"", "unexpected end"},
		"truncated":         {string(good[:len(good)/2]), "unexpected end"},
		"no JSON":           {"nothing", "invalid character"},
		"no version":        {"{}", "of version 0"},
		"a later version":   {edit(`"version":1`, `"version":2`), "of version 2, this program knows 1"},
		"another time":      {edit(`"at":"2026`, `"at":"2027`), "the clocks differ by 8760h"},
		"too many times":    {edit(`"told":{`, `"told":{`+times.String()), "are more than this program saves"},
		"too many patterns": {edit(`"zones":[`, `"zones":[`+strings.Repeat(`"a.example",`, maxNames)), "are more than this program saves"},
	} {
		other := newTable()
		must(t, other.Watch("own.corp.example", m))
		before, _ := other.AppendState(nil, m)
		if _, err := other.Merge([]byte(tt.page), "member", m); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Merge = %v, want %q", name, err, tt.want)
		}
		if after, _ := other.AppendState(nil, m); string(after) != string(before) {
			t.Errorf("%s: the table has changed", name)
		}
	}
	for name, tt := range map[string]struct{ page, want string }{
		"no name":         {edit(`"name":"www.corp.example"`, `"name":"a..b"`), "no domain name"},
		"a name twice":    {edit(`"name":"www.corp.example"`, `"name":"mx.corp.example"`), "twice"},
		"no type":         {edit(`"type":"A"`, `"type":"B"`), "unknown"},
		"no record":       {edit(`10.0.0.9"`, `10.0.0"`), "no record"},
		"no override":     {edit(`["10.0.0.5"]`, `["ten"]`), "no data for an override"},
		"a long override": {edit(`"for":86400.000`, `"for":864000.000`), "are possible"},
		"a long lease":    {edit(`"lease_for":10.000`, `"lease_for":1000.000`), "are possible"},
		"a pattern":       {edit(`"zones":["pond`, `"zones":["..pond`), "no domain name"},

		"an end of nothing":    {edit(`{"name":"*.pool.example"`, `{"name":"*..example"`), "no domain name"},
		"an end of no type":    {edit(`{"name":"*.pool.example"`, `{"type":"ANY","name":"*.pool.example"`), "unknown type"},
		"an end of a new type": {edit(`{"name":"*.pool.example"`, `{"type":"NEW","name":"*.pool.example"`), "unknown type"},
		"a time of nothing":    {edit(`"told":{"*`, `"told":{"..`), "no domain name"},
		"a change of no name":  {edit(`"history":[{"name":"`, `"history":[{"name":"..`), "no domain name"},
		"a change of no type":  {edit(`"source":"upstream"`, `"type":"NEW","source":"upstream"`), "unknown type"},
		"a change of no one":   {edit(`"source":"upstream"`, `"source":"me"`), "no source"},
	} {
		other := newTable()
		got, err := other.Merge([]byte(tt.page), "member", m)
		if err != nil || len(got.LeftOut) != 1 || !strings.Contains(got.LeftOut[0], tt.want) || got.Watches == 0 || got.Overrides == 0 {
			t.Errorf("%s: Merge = %+v, %v, want all taken but for one thing: %q", name, got, err, tt.want)
		}
	}
	if got, err := table.Merge(good, "member", m); err != nil || !got.Own || got.Any() {
		t.Errorf("its own: %+v, %v", got, err)
	}
}

// Texts of others do not move a terminal's cursor, nor fill the log.
func TestMergeCleans(t *testing.T) {
	table, m := everything(t)
	by := "eve\x1b[2J\n" + strings.Repeat("x", 5000)
	must(t, table.AddOverride(Override{Name: "app.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.9"}, By: by}, m))
	page, err := table.Export(ExportFrom{}, MinExport, m)
	must(t, err)
	other := newTable()
	_, err = other.Merge(page, "member", m)
	must(t, err)
	list, err := other.History("app.corp.example")
	must(t, err)
	texts := []string{other.Overrides(m)[0].By}
	for _, c := range list {
		texts = append(texts, c.By)
	}
	for _, e := range other.Events() {
		texts = append(texts, e.Text)
	}
	for _, text := range texts {
		if strings.ContainsAny(text, "\x1b\n") || len(text) > 2000 {
			t.Errorf("%q", text)
		}
	}
}

// What there is no room for, and what may not be overridden here, is said; the rest is
// taken.
func TestMergeRoom(t *testing.T) {
	m := Moment{time.Hour, day}
	full, member := newTable(), New(Options{MayOverride: func(string) bool { return true }})
	for i := range maxNames - 1 {
		must(t, full.Watch(fmt.Sprintf("n%d.corp.example", i), m))
	}
	for i := range 3 {
		must(t, member.AddOverride(Override{Name: fmt.Sprintf("m%d.corp.example", i), Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m))
	}
	must(t, member.AddOverride(Override{Name: "www.elsewhere.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m))
	for _, p := range pages(t, member, MinExport, m) {
		page, err := member.Export(ExportFrom{Next: p.Next}, MinExport, m)
		must(t, err)
		got, err := full.Merge(page, "member", m)
		if err != nil || got.Overrides != 1 || len(full.Overrides(m)) != 1 {
			t.Errorf("merged %+v, %v", got, err)
		}
		if left := strings.Join(got.LeftOut, "; "); !strings.Contains(left, ErrTooMany.Error()) || !strings.Contains(left, "www.elsewhere.example A") || !strings.Contains(left, ErrNotAllowed.Error()) {
			t.Errorf("left out: %q", left)
		}
	}
	check(t, full, m)
	long := strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 180)
	for i := range 40 {
		member, full := newTable(), full
		must(t, member.AddOverride(Override{Name: fmt.Sprintf("n%d.corp.example", i), Type: dns.TypeTXT, Data: []string{long}}, m))
		page, err := member.Export(ExportFrom{}, MinExport, m)
		must(t, err)
		_, err = full.Merge(page, "member", m)
		must(t, err)
	}
	if n := full.overrideOctets(); n > maxAllOctets {
		t.Errorf("the overrides have %d octets", n)
	}
}

// What takes the place of an override under a lease needs no room beside it.
func TestMergeRoomUnderLease(t *testing.T) {
	m := Moment{time.Hour, day}
	after := func(s time.Duration) Moment { return Moment{m.Now + s*time.Second, m.Wall.Add(s * time.Second)} }
	text := func(letter string) []string {
		return []string{strings.Repeat(`"`+strings.Repeat(letter, 250)+`" `, 180)}
	}
	here, member := newTable(), newTable()
	for i, err := 0, error(nil); err == nil; i++ {
		err = here.AddOverride(Override{Name: fmt.Sprintf("n%d.corp.example", i), Type: dns.TypeTXT, Data: text("x")}, m)
	}
	must(t, here.DeleteOverride("n1.corp.example", dns.TypeTXT, after(1)))
	must(t, here.AddOverride(Override{Name: "n0.corp.example", Type: dns.TypeTXT, Data: []string{`"lease"`}, Lease: "my-secret-token"}, after(3)))
	must(t, here.AddOverride(Override{Name: "n1.corp.example", Type: dns.TypeTXT, Data: text("x")}, after(3)))
	must(t, member.AddOverride(Override{Name: "n0.corp.example", Type: dns.TypeTXT, Data: text("y")}, after(2)))
	page, err := member.Export(ExportFrom{}, MinExport, after(4))
	must(t, err)
	got, err := here.Merge(page, "member", after(4))
	if must(t, err); got.Overrides != 1 {
		t.Errorf("merged %+v, want what the member has under the lease", got)
	}
}

// Whatever is commanded at one member while a newcomer fetches now and then, in the end
// both have the same overrides, and the same watches.
func TestMergeFollows(t *testing.T) {
	for seed := range uint64(40) {
		r, f := rand.New(rand.NewPCG(seed, 1)), newFleet(t)
		f.skew[f.new] = time.Duration(r.IntN(480)-240) * time.Second
		var log []string
		for range 60 {
			f.step(r, &log)
		}
		f.fetch(f.new, f.a)
		if a, n := f.given(f.a), f.given(f.new); a != n {
			t.Fatalf("seed %d: the member has %q, the newcomer %q, after:\n%s", seed, a, n, strings.Join(log, "\n"))
		}
		if a, n := fmt.Sprint(f.a.Watching()), fmt.Sprint(f.new.Watching()); a != n {
			t.Fatalf("seed %d: the member watches %s, the newcomer %s, after:\n%s", seed, a, n, strings.Join(log, "\n"))
		}
	}
}

func (f *fleet) step(r *rand.Rand, log *[]string) {
	const app = "app.corp.example"
	m, addr, ahead, token := f.moment(f.a), fmt.Sprint("10.0.0.", r.IntN(4)), time.Duration(r.IntN(480)-240)*time.Second, fmt.Sprint(r.IntN(3))
	var err error
	op := r.IntN(10)
	defer func() {
		*log = append(*log, fmt.Sprint(op, " ", addr, " ", ahead, " ", token, " ", err != nil, ": ", f.given(f.a), ", ", f.given(f.new)))
	}()
	switch op {
	case 0:
		err = f.add(f.a, addr, ahead, "")
	case 1, 2:
		err = f.add(f.a, addr, ahead, token)
	case 3:
		err = f.a.ConfirmOverride(app, token, m)
	case 4:
		err = f.a.WithdrawOverride(app, token, m)
	case 5:
		err = f.a.DeleteOverride(app, 0, m)
	case 6:
		f.pass(time.Duration(r.IntN(14)) * time.Second)
	case 7:
		if err = f.a.Watch(app, m); r.IntN(2) == 0 {
			err = errors.Join(err, f.a.Unwatch(app, m))
		}
	default:
		f.fetch(f.new, f.a)
	}
}

// FuzzMerge holds that a page is refused whole, or leaves a table as it may be, and that
// the same again changes nothing.
func FuzzMerge(f *testing.F) {
	table, m := everything(f)
	page, err := table.Export(ExportFrom{}, MinExport, m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page)
	f.Add([]byte(`{"version":1,"at":"2026-11-29T12:00:07Z","names":[{"name":"a.corp.example","sets":[{"type":"A","known":true,"guard":{"refused":[{}]}}]}]}`))
	f.Fuzz(func(t *testing.T, page []byte) {
		table := newTable()
		must(t, table.Watch("www.corp.example", m))
		before, _ := table.AppendState(nil, m)
		_, err := table.Merge(page, "member", m)
		check(t, table, m)
		saved, saveErr := table.AppendState(nil, m)
		must(t, saveErr)
		if err != nil && string(saved) != string(before) {
			t.Fatalf("refused with %v, and the table changed", err)
		}
		if err := newTable().Load(saved, m); err != nil {
			t.Fatalf("Load of what was saved = %v\n%s", err, saved)
		}
		if again, err := table.Merge(page, "member", m); err == nil && again.Any() {
			t.Fatalf("merged again: %+v", again)
		}
		end(t, table, m)
	})
}
