package main

import (
	"fmt"
	"io"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
)

// marked is f as its reader sees it: with a word that tells the lines that do
// no harm from those that do.
func marked(f namedconf.Finding) string {
	if f.Severity == namedconf.Warning {
		f.Message = "warning: " + f.Message
	}
	return f.String()
}

// checkConfig does what named-checkconf [-p] FILE does: it writes all that it
// finds in a configuration to w, as file:line:col: message, with "warning: " in
// front of what does no harm, and with print the normal form of a good one. It
// returns the exit code: 1 for errors, else 0. Like named-checkconf with -z, it
// reads primary zones too.
func checkConfig(w io.Writer, path string, print bool) int {
	_, report, _ := config.Load(path)
	for _, f := range report.Findings {
		fmt.Fprintln(w, marked(f))
	}
	if report.Failed() {
		return 1
	}
	if !print {
		return 0
	}
	if err := report.WriteNormal(w); err != nil {
		return 1
	}
	return 0
}
