// Package peer asks the other forwarder of a pair, over plain DNS, what it gives of the
// names that are watched here, and tells where the two differ. The other one may be any
// server that answers from its cache who wants no recursion (RD=0), BIND for one: it is
// made to ask upstream for nothing.
package peer
