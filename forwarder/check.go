package forwarder

import (
	"fmt"
	"io"
)

// CheckConfig does what named-checkconf [-p] FILE does: it writes all that it
// finds in a configuration to w, as file:line:col: message, and with print the
// normal form of a good one. It returns the exit code: 1 for errors, else 0.
// Unlike named-checkconf without -z, it reads primary zones too.
func CheckConfig(w io.Writer, path string, print bool) int {
	_, report := LoadConfig(path)
	for _, f := range report.Findings {
		fmt.Fprintln(w, f)
	}
	if report.Err() != nil {
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
