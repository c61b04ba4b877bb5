package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// chromium is a browser that is driven by node.
type chromium struct {
	t       *testing.T
	in      io.WriteCloser
	out     *bufio.Reader
	process *exec.Cmd
}

// tab is a page that is open in it.
type tab struct {
	*chromium
	number int
}

// startChromium starts the browser, until the end of the test. It is started within do.
func startChromium(t *testing.T, do func(start func())) *chromium {
	t.Helper()
	path, node := workbench.Need(t, "chromium"), needNode(t)
	folder := needPlaywright(t)
	c := &chromium{t: t, process: exec.Command(node, "driver.mjs", folder, path)}
	c.process.Stderr = os.Stderr
	var err error
	if c.in, err = c.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if do(func() { err = c.process.Start() }); err != nil {
		t.Fatalf("starting node: %v", err)
	}
	t.Cleanup(c.end)
	return c
}

func (c *chromium) end() {
	c.in.Close()
	if err := c.process.Wait(); err != nil {
		c.t.Errorf("ending node: %v", err)
	}
}

// needNode returns node's path. Debian's before 13 is too old for Playwright.
func needNode(t *testing.T) string {
	t.Helper()
	const oldest = 20
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: apt-get install nodejs npm")
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("asking node for its version: %v", err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		t.Skipf("node is %s; Playwright needs %d or newer", strings.TrimSpace(string(out)), oldest)
	}
	return path
}

// needPlaywright returns the folder that has playwright-core, as package-lock.json says.
// npm fetches it once.
func needPlaywright(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("there is no place for playwright-core: %v", err)
	}
	folder := filepath.Join(cache, "forwarder-ci", "playwright")
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	done := filepath.Join(folder, "installed.json")
	if has, err := os.ReadFile(done); err == nil && string(has) == string(lock) {
		return folder
	}
	install(t, folder)
	put(t, done, lock)
	return folder
}

func install(t *testing.T, folder string) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed: apt-get install npm")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Skipf("there is no place for playwright-core: %v", err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(folder, name), text)
	}
	cmd := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("playwright-core cannot be had: npm ci: %v\n%s", err, out)
	}
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// values are the arguments of a command, or the options of a page.
type values map[string]any

// do sends a command to the driver, and reads its result.
func (c *chromium) do(command string, args values, result any) {
	c.t.Helper()
	line := values{"command": command}
	for key, value := range args {
		line[key] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", text); err != nil {
		c.t.Fatalf("telling node to %s: %v", command, err)
	}
	answer, err := c.out.ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("reading what node answers to %s: %v", command, err)
	}
	var a struct {
		Result json.RawMessage
		Error  string
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Error != "" {
		c.t.Fatalf("%s: %v %s", command, err, a.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		c.t.Fatalf("reading the result of %s, %s: %v", command, a.Result, err)
	}
}

// open opens a page; options are those of Playwright's newContext.
func (c *chromium) open(url string, options values) *tab {
	c.t.Helper()
	p := &tab{chromium: c}
	c.do("open", values{"url": url, "options": options}, &p.number)
	return p
}

// evaluate runs a script in the page, whose value becomes result.
func (p *tab) evaluate(script string, result any) {
	p.t.Helper()
	p.do("evaluate", values{"tab": p.number, "script": script}, result)
}

// text is the value of a script that is a text.
func (p *tab) text(script string) (s string) {
	p.t.Helper()
	p.evaluate(script, &s)
	return s
}

// await waits until a script has the value true, and returns how long that took.
func (p *tab) await(what, script string) time.Duration {
	p.t.Helper()
	failed := true
	defer func() {
		if failed {
			p.t.Logf("the page shows:\n%s", p.text(`document.body.innerText`))
		}
	}()
	took := await(p.t, what, func() (ok bool) {
		p.evaluate("Boolean("+script+")", &ok)
		return ok
	})
	failed = false
	return took
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) time.Duration {
	t.Helper()
	const most = 30 * time.Second
	begin := time.Now()
	for !so() {
		if time.Since(begin) > most {
			t.Fatalf("after %v: not %s", most, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}

func (p *tab) press(key string) {
	p.t.Helper()
	p.do("press", values{"tab": p.number, "key": key}, nil)
}

// scheme changes the colours that the reader prefers: light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	p.do("media", values{"tab": p.number, "options": values{"colorScheme": name}}, nil)
}

// said is what stands on the console since it was asked for.
func (p *tab) said() (lines []string) {
	p.t.Helper()
	p.do("said", values{"tab": p.number}, &lines)
	return lines
}

func (p *tab) close() {
	p.t.Helper()
	p.do("close", values{"tab": p.number}, nil)
}
