package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What rndc said of the logs outlives a reload, as with named; what the configuration
// says anew holds (with named only after a restart).
func TestLogsOverReload(t *testing.T) {
	c := startCommanded(t, "querylog yes; responselog no;")
	conf := filepath.Join(c.dir, "named.conf")
	logs := func(what, queries, responses string) {
		t.Helper()
		var err error
		if !c.do(t.Context(), func() { err = c.replace() }) || err != nil {
			t.Fatal(what, err)
		}
		status := c.run("status")
		if !strings.Contains(status, "query logging is "+queries) || !strings.Contains(status, "response logging is "+responses) {
			t.Errorf("%s: %s\nwant query logging %s, response logging %s", what, status, queries, responses)
		}
	}
	edit := func(was, is string) {
		t.Helper()
		text, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		write(t, conf, strings.Replace(string(text), was, is, 1))
	}
	logs("as the file says", "ON", "OFF")
	c.run("querylog off")
	c.run("responselog on")
	logs("as rndc said", "OFF", "ON")
	edit("querylog yes;", "querylog no;")
	logs("the file says no more", "OFF", "ON")
	edit("querylog no;", "querylog yes;")
	logs("queries are logged anew", "ON", "ON")
	edit("responselog no;", "responselog yes;")
	logs("the file says what rndc said", "ON", "ON")
	edit("responselog yes;", "")
	logs("the file says nothing", "ON", "OFF")
}
