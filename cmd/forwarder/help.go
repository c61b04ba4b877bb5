package main

import (
	"strings"

	"vpcdns/forwarder/manual"
)

// verbList has a line or two for each verb.
func verbList() string {
	var b strings.Builder
	for _, v := range verbs() {
		b.WriteString(manual.HelpItem("  "+v.name, 17, v.summary))
	}
	return b.String()
}
