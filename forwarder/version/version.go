// Package version says which forwarder this is.
package version

import "runtime/debug"

// Number is the version: the rpm, the manual pages and the metrics have it from
// here. A release is tagged with it, with a v in front.
const Number = "1.0.0"

// Date is when Number became the version: year, month, day. It stands in the
// manual pages, and is the time of the files in the rpm.
const Date = "2026-11-28"

// Revision returns the commit that the binary was built from, "-modified" behind
// it where files were changed since; "" if the binary does not say.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return revision(info.Settings)
}

func revision(settings []debug.BuildSetting) (commit string) {
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true" && commit != "": // it comes after the revision
			commit += "-modified"
		}
	}
	return commit
}
