package watch

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// farPage has nothing but times of a member's choice.
func farPage(m Moment, at string) []byte {
	const set = `{"type":"A","known":true,"current":{"rrs":["a.corp.example. 10 IN A 10.0.0.1"]},"said":{},"since":"T","asked":"T","until":"T","changes":["T"],"varies":"T","taught":"T",` +
		`"guard":{"began":"T","refused":[{"rrs":["a.corp.example. 10 IN A 10.0.0.9"]}],"last_old":"T","last_new":"T","quiet":{"first":"T","last":"T","n":3}},` +
		`"overrides":[{"data":["10.0.0.2"],"by":"x","set":"T","for":10,"began":"T","expires":"T","lasts":1,"lease":"T","token":"t","lease_for":10,"after":"T"}]}`
	const page = `{"version":1,"id":"x","tag":"y","at":"NOW","zones":["z.example"],"names":[{"name":"a.corp.example","watched":true,"since":"T","sets":[` + set + `]}],` +
		`"gone":[{"name":"b.corp.example","type":"A","at":"T"},{"name":"c.corp.example","at":"T"}],"told":{"a.corp.example":"T","*.z.example":"T"},` +
		`"history":[{"name":"a.corp.example","type":"A","at":"T","source":"upstream"}]}`
	return []byte(strings.NewReplacer(`"T"`, fmt.Sprintf("%q", at), "NOW", m.Wall.Format(time.RFC3339)).Replace(page))
}

// Whatever times a member tells, the table can be saved and exported, and operators here
// have the last word.
func TestMergeFarTimes(t *testing.T) {
	for _, at := range []string{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999-23:59", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"} {
		table, m := newTable(), Moment{time.Hour, day}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			if _, err := table.AppendState(nil, m); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			if _, err := table.Export(ExportFrom{}, MinExport, m); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
		}
		got, err := table.Merge(farPage(m, at), "member", m)
		check(err)
		if got.Watches != 2 {
			t.Errorf("%s: taken over: %+v", at, got)
		}
		if got.Overrides > 0 {
			check(table.DeleteOverride("a.corp.example", 0, m))
		}
		m = Moment{m.Now + time.Second, m.Wall.Add(time.Second)}
		for _, name := range []string{"a.corp.example", "b.corp.example"} {
			check(table.AddOverride(Override{Name: name, Type: dns.TypeA, Data: []string{"10.0.0.7"}, Set: m.Wall.Add(maxAhead)}, m))
			check(table.DeleteOverride(name, dns.TypeA, m))
		}
		check(table.Unwatch("a.corp.example", m))
		for _, name := range []string{"a.corp.example", "c.corp.example"} {
			check(table.Watch(name, m))
		}
		other := newTable()
		for _, p := range pages(t, table, MinExport, m) {
			if len(p.Names) == 0 {
				t.Errorf("%s: exported: %+v", at, p)
			}
		}
		page, err := table.Export(ExportFrom{}, MinExport, m)
		must(t, err)
		if got, err := other.Merge(page, "this", m); err != nil || got.Watches != 3 {
			t.Errorf("%s: another takes %+v, %v", at, got, err)
		}
	}
}

// A page of a megabyte takes little more here, whatever it lists.
func TestMergeLongLists(t *testing.T) {
	m := Moment{time.Hour, day}
	const set = `"names":[{"name":"a.example","sets":[{"type":"A",%s}]}]`
	for _, list := range []string{
		`"names":[%s]`, `"names":[{"name":"a.example","sets":[%s]}]`, `"history":[%s]`, `"gone":[%s]`,
		fmt.Sprintf(set, `"overrides":[%s]`), fmt.Sprintf(set, `"left":[%s]`), fmt.Sprintf(set, `"ledger":[%s]`), fmt.Sprintf(set, `"guard":{"refused":[%s]}`),
	} {
		for _, element := range []string{"0", "{}", "null"} {
			elements := strings.Repeat(element+",", 1<<20/(len(element)+1)) + element
			page := fmt.Sprintf(`{"version":1,"id":"x","tag":"y","at":%q,`+list+`}`, m.Wall.Format(time.RFC3339), elements)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := newTable().Merge([]byte(page), "member", m)
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; err == nil || took > 50 {
				t.Errorf("%.60s, many %s: %d MB, %.100v", list, element, took, err)
			}
		}
	}
}
