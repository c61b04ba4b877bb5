// Package lab is the network around a pair of forwarders, for tests: network
// namespaces with a router between them, the servers that run in them as real
// processes (the forwarder, and the peers that it is compared with), the VPC
// resolver's stand-in, and load. Namespaces need Linux and root; processes and
// what is asked about them do not.
package lab
