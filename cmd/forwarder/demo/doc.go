// Package demo shows in a minute, on loopback, what a pair of forwarders is for: a
// failover, the loss of a zone, and the loss of upstream, as a client behind
// corporate DNS sees them. All servers are real ones, but for the stand-in for the
// VPC resolver, and run in this process. All figures are measured in the run, but for
// named's, which are those of the fault table (cmd/forwarder/faults).
package demo
