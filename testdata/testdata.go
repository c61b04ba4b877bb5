// Package testdata holds the test material that an installed binary needs too.
package testdata

import _ "embed"

// Zone is what the VPC resolver's stand-in serves, in the demo and in tests:
// a zone file (RFC 1035, section 5) with several zones in it.
//
//go:embed zones/vpc.zone
var Zone string
