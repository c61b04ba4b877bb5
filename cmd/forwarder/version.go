package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is the module's version, with the commit where there is no version.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	if info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// buildInfo is what -V prints.
func buildInfo() string {
	var b strings.Builder
	fmt.Fprintf(&b, "forwarder %s\n", version())
	fmt.Fprintf(&b, "built with %s for %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if strings.HasPrefix(s.Key, "vcs.") || s.Key == "CGO_ENABLED" {
				fmt.Fprintf(&b, "%s: %s\n", s.Key, s.Value)
			}
		}
		for _, m := range info.Deps {
			fmt.Fprintf(&b, "with %s %s\n", m.Path, m.Version)
		}
	}
	fmt.Fprintf(&b, "default configuration: /etc/named.conf\n")
	return b.String()
}
