package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Names, and texts of the configuration, are shown as they are, and never as markup.
func testText(t *testing.T, s *site, p *tab) {
	for _, name := range []string{markup, octets} {
		name = strings.TrimSuffix(name, ".")
		quoted, _ := json.Marshal(name)
		for _, place := range []string{"#names .name", "#hot th"} {
			p.await(name+" in "+place, fmt.Sprintf(`[...document.querySelectorAll(%q)].some((n) => n.textContent === %s)`, place, quoted))
		}
	}
	p.await("the warning", `document.querySelector("#warnings").textContent.includes("<i>x</i>.test")`)
	var made int
	p.evaluate(`document.querySelectorAll("script").length + document.querySelectorAll("#warnings i, #names i, #hot i").length`, &made)
	if made != 2 { // the page's own scripts
		t.Errorf("the page has %d scripts and elements out of names, want its own 2 scripts", made)
	}
	holdTwins(t, p)
}

// holdTwins wants names that look the same, as long ones do that are cut, to let no list
// of the page grow.
func holdTwins(t *testing.T, p *tab) {
	t.Helper()
	const script = `import("/dom.js").then(({ el, keep }) => {
		const list = el("ul");
		for (let i = 0; i < 5; i++) keep(list, ["a", "b", "a"], (x) => x, () => el("li"), (node, x) => node.replaceChildren(x));
		return list.textContent;
	})`
	if got := p.text(script); got != "aba" {
		t.Errorf("after five documents a list of a, b and a has %q", got)
	}
}

// All text stands out from what is behind it (WCAG 2, 1.4.3), in both schemes, also
// while the page is not connected; so do the marks of the charts.
func testContrast(t *testing.T, s *site, p *tab) {
	for _, scheme := range []string{"dark", "light"} {
		p.scheme(scheme)
		holdContrast(t, p, "")
		holdContrast(t, p, "stale")
	}
}

// holdContrast looks at the page in a state: a class of its root.
func holdContrast(t *testing.T, p *tab, state string) {
	t.Helper()
	script, err := os.ReadFile("contrast.js")
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Texts, Charts int
		Faults        []string
	}
	p.evaluate(fmt.Sprintf("document.documentElement.className = %q;\n%s", state, script), &r)
	if r.Texts < 100 || r.Charts < 5 || len(r.Faults) > 0 {
		t.Errorf("%q: of %d texts and %d charts these are hard to read: %v", state, r.Texts, r.Charts, strings.Join(r.Faults, "\n"))
	}
}

const focus = `(() => {
	const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
	return [e.id || e.textContent, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? "seen" : "unseen", box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight ? "inside" : "outside"].join();
})()`

// Who has no mouse gets everywhere, and sees where he is.
func testKeyboard(t *testing.T, s *site, p *tab) {
	p.evaluate(`(document.activeElement.blur(), scrollTo(0, 0))`, nil)
	for _, want := range []string{"Skip to the names,seen,inside", "JSON,seen,inside", "metrics,seen,inside"} {
		p.press("Tab")
		if got := p.text(focus); got != want {
			t.Errorf("Tab goes to %q, want %q", got, want)
		}
	}
	p.press("Shift+Tab")
	p.press("Shift+Tab")
	p.press("Enter")
	if got := p.text(`document.activeElement.id`); got != "main" {
		t.Errorf("the skip link goes to %q, want main", got)
	}
}

// heard are parts of what a screen reader is told of the page.
var heard = []string{
	`banner`, `heading "forwarder `, `main`, `region "Who answers what"`, `table "Who answers what"`, `columnheader "Given now"`, `columnheader "Who still has the old one"`,
	`rowheader "myservice.awslab.mycompany.corp A, watched"`, `img "`, `region "Troubles"`, `region "Traffic of the last 15 minutes"`,
	`table "Servers"`, `columnheader "Timeouts"`, `region "Configuration"`, `contentinfo`, `status`,
}

// A screen reader finds landmarks, tables with heads, and texts for pictures.
func testReader(t *testing.T, s *site, p *tab) {
	var tree string
	p.do("tree", values{"tab": p.number}, &tree)
	for _, part := range heard {
		if !strings.Contains(tree, part) {
			t.Errorf("a screen reader does not find %s in:\n%s", part, tree)
		}
	}
}

// On a phone nothing stands beside the screen, the table of names is still one for a
// screen reader, and all is readable.
func testPhone(t *testing.T, s *site, whole *tab) {
	p := whole.open(s.page, values{"viewport": values{"width": 360, "height": 740}, "hasTouch": true, "isMobile": true})
	defer p.close()
	p.await("live", `document.querySelector("#link").textContent.startsWith("Live")`)
	p.await("the name", given(service, "10.79.2.20"))
	var wide []string
	p.evaluate(`[...document.querySelectorAll("body *")].filter((e) => !e.closest(".unseen, .strip, thead, .u-wrap") && e.getBoundingClientRect().right > 360.5).map((e) => e.outerHTML.slice(0, 120))`, &wide)
	if len(wide) > 0 {
		t.Errorf("beside a screen of 360 px are %s", strings.Join(wide, "\n"))
	}
	var width int
	if p.evaluate(`document.documentElement.scrollWidth`, &width); width > 360 {
		t.Errorf("the page is %d px wide, want 360", width)
	}
	holdContrast(t, p, "")
	testReader(t, s, p)
}
