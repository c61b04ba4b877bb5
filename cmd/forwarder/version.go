package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"vpcdns/forwarder/version"
)

// buildInfo is what -V prints.
func buildInfo() string {
	var b strings.Builder
	fmt.Fprintf(&b, "forwarder %s\n", version.Number)
	if r := version.Revision(); r != "" {
		fmt.Fprintf(&b, "commit %s\n", r)
	}
	fmt.Fprintf(&b, "built with %s for %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			fmt.Fprintf(&b, "with %s %s\n", m.Path, m.Version)
		}
	}
	fmt.Fprintf(&b, "default configuration: /etc/named.conf\n")
	return b.String()
}
