package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

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
	for _, why := range f.ignored {
		fmt.Fprintf(stderr, "forwarder: %s\n", why)
	}
	if err := enterRoot(f.root); err != nil {
		fmt.Fprintf(stderr, "forwarder: %v\n", err)
		return 1
	}
	in, err := inspect(f.config, f.user)
	if err != nil {
		fmt.Fprintf(stderr, "forwarder: %v\n", err)
		return 1
	}
	writeFindings(w, in.findings, f.verbose)
	if in.config != nil {
		fmt.Fprintln(w, wouldServe(in.config, in.service.flags))
	} else {
		fmt.Fprintln(w, "would not start: "+counted(len(ofSeverity(in.findings, namedconf.Error)), "error"))
	}
	if in.failed() {
		return 1
	}
	if !f.print {
		return 0
	}
	if f.hideSecrets {
		in.report.HideSecrets()
	}
	if err := in.report.WriteNormal(stdout); err != nil {
		fmt.Fprintf(stderr, "forwarder: writing the configuration: %v\n", err)
		return 1
	}
	return 0
}

// enterRoot makes dir the root directory of the process; "" leaves it.
func enterRoot(dir string) error {
	if dir == "" {
		return nil
	}
	switch err := syscall.Chroot(dir); {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("making %s the root directory: only root may", dir)
	case err != nil:
		return fmt.Errorf("making %s the root directory: %w", dir, err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("entering the root directory: %w", err)
	}
	return nil
}
