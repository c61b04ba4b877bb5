package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/page"
)

// wide is the window of a desk.
var wide = values{"viewport": values{"width": 1280, "height": 900}, "colorScheme": "light"}

// The page as an operator has it open, from the first look until the forwarder is
// started again.
func TestPage(t *testing.T) {
	t.Parallel()
	c := startChromium(t, func(start func()) { start() })
	s := newSite(t, service, "db."+zone, "unasked."+zone, markup, octets)
	s.begin(service, "db."+zone, "nothing."+zone, markup, octets)
	s.refuse()
	p := c.open(s.page, wide)
	p.await("live", `document.querySelector("#link").textContent.startsWith("Live")`)
	p.await("a chart", `document.querySelectorAll("canvas").length >= 5`)
	p.evaluate(`void (window.kept = true)`, nil) // until the page is loaded again

	for _, part := range []struct {
		name string
		run  func(*testing.T, *site, *tab)
	}{
		{"figures", testFigures},
		{"names are text", testText},
		{"failover", testFailover},
		{"override", testOverride},
		{"clock", testClock},
		{"trouble", testTrouble},
		{"contrast", testContrast},
		{"keyboard", testKeyboard},
		{"screen reader", testReader},
		{"phone", testPhone},
		{"crowd", testCrowd},
		{"restart", testRestart},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			defer c.during(t)()
			s.t = t
			part.run(t, s, p)
		}) {
			break
		}
	}
	holdQuiet(t, s, p)
}

// during lets a part of a test be the one that fails.
func (c *chromium) during(t *testing.T) (end func()) {
	whole := c.t
	c.t = t
	return func() { c.t = whole }
}

// holdQuiet wants no word on the console but of the time without a forwarder, or without
// a place (one that is slow loses it, and the crowd takes it), no request to elsewhere, and
// no second load.
func holdQuiet(t *testing.T, s *site, p *tab) {
	t.Helper()
	for _, line := range p.said() {
		if !strings.Contains(line, "net::ERR_") && !strings.Contains(line, "503 (Service Unavailable)") {
			t.Errorf("the console says %q", line)
		}
	}
	var requests []string
	p.do("requests", values{"tab": p.number}, &requests)
	for _, url := range requests {
		if !strings.HasPrefix(url, s.page) {
			t.Errorf("the page asks for %s", url)
		}
	}
	var kept bool
	if p.evaluate("Boolean(window.kept)", &kept); !kept {
		t.Error("the page was loaded again")
	}
}

// row is a script: the row of a name's A records.
func row(name string) string {
	return fmt.Sprintf("document.querySelector(`#names tr[data-key=\"%s A\"]`)", strings.TrimSuffix(name, "."))
}

// given is a script: whether a name's row has an address as what is given.
func given(name, address string) string {
	return fmt.Sprintf("%s?.querySelector('.given').textContent === %q", row(name), address)
}

// has is a script: whether a cell of a name's row has a text.
func has(name, label, text string) string {
	return fmt.Sprintf("%s.querySelector('[data-label=%q]').innerText.includes(%q)", row(name), label, text)
}

// A change upstream is on the page as soon as clients get it, with the old address and
// who may still hold it.
func testFailover(t *testing.T, s *site, p *tab) {
	p.await("the old address", given(service, "10.79.1.20"))
	p.evaluate(`void (window.spoken = [], new MutationObserver(() => spoken.push(announce.textContent)).observe(announce, { childList: true }))`, nil)
	s.set(service + " 2 IN A 10.79.2.20")
	s.awaitAnswer(service, "10.79.2.20")
	t.Logf("on the page %v after it was at the forwarder", p.await("the new address", given(service, "10.79.2.20")))
	p.await("the change in the strip", has(service, "Last 15 minutes", "10.79.1.20 to 10.79.2.20 by "))
	p.await("who holds the old address", has(service, "Who still has the old one", "10.79.1.20")+"||"+has(service, "Who still has the old one", "nobody since "))
	p.await("the old address as a segment", row(service)+`.querySelectorAll(".strip .old").length === 1`)
	p.await("that nobody holds the old address", has(service, "Who still has the old one", "nobody since "))
	p.await("how long it lasts", row(service)+`.innerText.match(/for \d+ s, since \d\d:\d\d:\d\d/)`)
	if spoken := p.text(`spoken.join("|")`); !strings.Contains(spoken, "myservice.awslab.mycompany.corp A is now 10.79.2.20, by ") || strings.Count(spoken, "|") > 2 {
		t.Errorf("a screen reader hears %q, want the new address and little else", spoken)
	}
}

// So is an override, with its end.
func testOverride(t *testing.T, s *site, p *tab) {
	s.rndc("override", "add", service, "A", "10.79.3.20")
	t.Logf("on the page %v after rndc", p.await("the override", given(service, "10.79.3.20")))
	p.await("who said so", row(service)+`.querySelector(".tag.warn")?.textContent === "override"`)
	p.await("its end", has(service, "Given now", "ends in 23 h 59 min at the latest"))
	p.await("what upstream says", has(service, "Upstream says", "10.79.2.20"))
	p.await("it in the line of state", `document.querySelector("#state").textContent.includes("1 override")`)
	s.rndc("override", "delete", service, "A")
	p.await("the way back", given(service, "10.79.2.20"))
}

// A moment long before or after the last one is no point of the charts: they ask for all
// points again, as the forwarder's clock was set.
func testClock(t *testing.T, s *site, p *tab) {
	const asked = `performance.getEntriesByType("resource").filter(e => e.name.endsWith("/api/v1/history")).length`
	for i, step := range []string{"3600e3", "-3600e3"} {
		p.evaluate(fmt.Sprintf(`import("/charts.js").then(charts => void charts.point({ time: new Date(Date.now() + %s).toISOString(), columns: {} }))`, step), nil)
		p.await("a request for all points", fmt.Sprintf("%s > %d", asked, i))
	}
	p.await("points", `document.querySelectorAll("canvas").length >= 5`)
}

// A silent upstream is told in the first line, and how many queries failed.
func testTrouble(t *testing.T, s *site, p *tab) {
	if got := p.text(`document.querySelector("#state").textContent`); !strings.HasPrefix(got, "All is well.") {
		t.Errorf("the page says %q, want that all is well", got)
	}
	s.begin("a.branch.mycompany.corp.", "b.branch.mycompany.corp.", service)
	p.await("the trouble", fmt.Sprintf(`document.querySelector("#state").textContent.includes("wrong: upstream %s does not answer")`, bindAddress(s.silent)))
	p.await("the server's state", fmt.Sprintf(`[...document.querySelectorAll("#upstreams tbody tr")].some(r => r.cells[0].textContent === %q && r.cells[1].textContent === "down")`, bindAddress(s.silent)))
	p.await("the failed queries", `document.querySelector("#trouble-list").innerText.match(/[1-9]\d* of [1-9]\d* quer(y|ies) failed/)`)
}

// A page for which there is no place says so, and is live once there is one.
func testCrowd(t *testing.T, s *site, whole *tab) {
	ctx, leave := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	defer crowd.Wait()
	defer leave()
	var refused atomic.Bool
	for range page.MaxViewers + 1 {
		crowd.Go(func() {
			for ctx.Err() == nil { // one that is too slow is dropped, and comes back
				if look(ctx, s.page) == http.StatusServiceUnavailable {
					refused.Store(true)
				}
			}
		})
	}
	await(t, "as many viewers as may be", refused.Load)
	p := whole.open(s.page, wide)
	defer p.close()
	p.await("why it is not live", `document.querySelector("#link").textContent.startsWith("Not connected: 100 viewers look already")`)
	leave()
	p.await("live", `document.querySelector("#link").textContent.startsWith("Live")`)
}

// look reads the events of a page until they end, and returns their status; one that is
// refused tries again soon.
func look(ctx context.Context, page string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"api/v1/events", nil)
	if err != nil {
		return 0
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	if reply.StatusCode != http.StatusOK {
		time.Sleep(100 * time.Millisecond)
	}
	return reply.StatusCode
}

// The page says that it is not connected, since when, and comes back by itself.
func testRestart(t *testing.T, s *site, p *tab) {
	s.process.End(t)
	p.await("that it is not connected", `document.querySelector("#link").innerText.match(/^Not connected since \d\d:\d\d:\d\d UTC, for \d+ s/)`)
	p.await("stale figures", `document.documentElement.matches(".stale") && getComputedStyle(document.querySelector(".given")).color === getComputedStyle(document.querySelector(".quiet")).color`)
	s.start()
	p.await("live again", `document.querySelector("#link").textContent.startsWith("Live") && !document.documentElement.matches(".stale")`)
	p.await("the name again", given(service, "10.79.2.20"))
}
