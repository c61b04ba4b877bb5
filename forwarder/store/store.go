// Package store holds what outlives a process: sections of octets under names, in a
// file that is written once, from its beginning to its end, and then only read.
//
// A file says when it was written, by the machine's own clock, and has a checksum
// over all of it. A reader takes it whole or not at all.
//
//	0   "vpcstore", version of this format (4 octets), 4 of zero
//	16  id of the boot (16 octets), CLOCK_BOOTTIME in nanoseconds (8)
//	40  the sections
//	    table: for each section length of its name (1), name, offset (8), length (8)
//	    number of sections (4), offset of the table (8), length of all (8), CRC-32C (4)
//
// Numbers are little endian. What a section holds, and in which version, is its
// owner's business: the name says it.
package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

const (
	magic      = "vpcstore"
	version    = 1
	headerSize = 40
	footerSize = 24

	maxSections = 64
	maxName     = 255
	maxTable    = maxSections * (1 + maxName + 16)
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// BootID tells one run of the machine from all others.
type BootID [16]byte

// Stamp is a moment of a machine: between two of one boot, time is known exactly,
// whatever became of the wall clock and of the processes.
type Stamp struct {
	Boot BootID
	Time time.Duration // since the boot, suspended or not (CLOCK_BOOTTIME)
}

// Since returns how long before s then was, which is never less than 0. The error
// says why that cannot be known.
func (s Stamp) Since(then Stamp) (time.Duration, error) {
	switch {
	case s.Boot == BootID{} || then.Boot == BootID{}:
		return 0, errNoBoot
	case s.Boot != then.Boot:
		return 0, errBoot
	case s.Time < then.Time:
		return 0, fmt.Errorf("written %v from now", then.Time-s.Time)
	}
	return s.Time - then.Time, nil
}

var (
	errNoBoot    = errors.New("the machine does not tell which of its boots this is")
	errBoot      = errors.New("written before the machine was started anew")
	errMagic     = errors.New("no file of this program")
	errTruncated = errors.New("truncated")
	errChecksum  = errors.New("wrong checksum")
	errTable     = errors.New("broken table of sections")
)
