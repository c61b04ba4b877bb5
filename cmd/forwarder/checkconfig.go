package main

import (
	"fmt"
	"io"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
)

// marked is f as its reader sees it: with its severity, unless it is an error.
func marked(f namedconf.Finding) string {
	if f.Severity != namedconf.Error {
		f.Message = f.Severity.String() + ": " + f.Message
	}
	return f.String()
}

// ofSeverity returns the findings of one severity.
func ofSeverity(findings []namedconf.Finding, s namedconf.Severity) (list []namedconf.Finding) {
	for _, f := range findings {
		if f.Severity == s {
			list = append(list, f)
		}
	}
	return list
}

// withoutEffect counts the harmless findings.
func withoutEffect(n int) string {
	if n == 1 {
		return "1 option has no effect here"
	}
	return fmt.Sprintf("%d options have no effect here", n)
}

// writeFindings writes errors first, then what somebody notices, each as
// file:line:col: message; what is harmless is one line, unless all is asked for.
func writeFindings(w io.Writer, findings []namedconf.Finding, all bool) {
	harmless := ofSeverity(findings, namedconf.Harmless)
	shown := append(ofSeverity(findings, namedconf.Error), ofSeverity(findings, namedconf.Change)...)
	if all {
		shown = append(shown, harmless...)
	}
	for _, f := range shown {
		fmt.Fprintln(w, marked(f))
	}
	if len(harmless) > 0 && !all {
		fmt.Fprintln(w, withoutEffect(len(harmless))+"; -v lists them")
	}
}

// checkConfig does what named-checkconf [-p] FILE does, and like it with -z reads
// primary zones too. With -p the normal form of a good file is alone on stdout:
// findings go to stderr. It returns the exit status: 1 for errors, else 0.
func checkConfig(f *flags, stdout, stderr io.Writer) int {
	w := stdout
	if f.print {
		w = stderr
	}
	cfg, report, _ := config.Load(f.config)
	writeFindings(w, report.Findings, f.verbose)
	if cfg != nil {
		fmt.Fprintln(w, wouldServe(cfg, f))
	}
	if report.Failed() {
		return 1
	}
	if !f.print {
		return 0
	}
	if err := report.WriteNormal(stdout); err != nil {
		fmt.Fprintf(stderr, "forwarder: writing the configuration: %v\n", err)
		return 1
	}
	return 0
}
