package host

import (
	"encoding/hex"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Boot returns an id of this run of the machine, and for how long it has lasted,
// suspended or not. Where the system does not tell, both are zero.
func Boot() (id [16]byte, since time.Duration) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id, 0
	}
	digits := strings.ReplaceAll(strings.TrimSpace(string(text)), "-", "")
	var t unix.Timespec
	if len(digits) != hex.EncodedLen(len(id)) || unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return id, 0
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return [16]byte{}, 0
	}
	return id, time.Duration(t.Nano())
}
