// Package faults measures what clients notice of faults: a scenario for each,
// in network namespaces with real processes, for the forwarder and for the
// peers that it is compared with. There is nothing in it but tests:
//
//	go test ./cmd/forwarder/faults
//	go test ./cmd/forwarder/faults -run Faults/outage -v -peers named,unbound,dnsdist,coredns,dnsmasq -update
//	go test ./cmd/forwarder/faults -run Readme -update
//
// The first runs the forwarder alone, and holds each figure against its limit; the
// stand-in for Route 53 is in a hurry then.
// The second measures peers too, unchecked, and writes the figures to
// testdata/faults.json, where those of scenarios and peers that did not run
// stay. The third brings the table in README.md up to date.
package faults
