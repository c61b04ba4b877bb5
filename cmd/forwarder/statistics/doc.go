// Package statistics serves counters over HTTP at the paths of BIND's statistics
// channels, as JSON and as XML, so that what monitors a named goes on when the
// forwarder takes its place. Numbers mean what BIND's mean; which are always 0 is said
// in the README beside this file.
package statistics
