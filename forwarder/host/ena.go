package host

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Exceeded is one counter of one interface of EC2 (the Elastic Network Adapter):
// packets that were lost because an allowance of the instance was exceeded. They
// are dropped in silence, and no other log shows them.
type Exceeded struct {
	Interface string // eth0
	Allowance string // linklocal, conntrack, pps, bw_in, bw_out
	Packets   uint64 // lost since the interface came up
}

// LinkLocal is the allowance of packets to the VPC resolver, instance metadata
// and time: 1024 a second for each interface.
const LinkLocal = "linklocal"

// driver is what interfaces of this kind say that drives them.
const driver = "ena"

// allowanceOf returns the allowance that a driver's statistic is about, or "".
func allowanceOf(statistic string) string {
	name, ok := strings.CutSuffix(statistic, "_allowance_exceeded")
	if !ok {
		return ""
	}
	return name
}

// nameLen is the length of a statistic's name, padded with zeros
// (ETH_GSTRING_LEN).
const nameLen = 32

// statistics yields the names of the statistics in a row, and their values,
// which a driver gives in the same order.
func statistics(names, values []byte) func(yield func(string, uint64) bool) {
	return func(yield func(string, uint64) bool) {
		for len(names) >= nameLen && len(values) >= 8 {
			name, _, _ := bytes.Cut(names[:nameLen], []byte{0})
			if !yield(string(name), binary.NativeEndian.Uint64(values)) {
				return
			}
			names, values = names[nameLen:], values[8:]
		}
	}
}
