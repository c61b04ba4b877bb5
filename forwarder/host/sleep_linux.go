package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// Asleep is how long the machine has been suspended since it was started:
// CLOCK_BOOTTIME runs on meanwhile, CLOCK_MONOTONIC does not.
func Asleep() time.Duration {
	var awake, all unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &all) != nil {
		return 0
	}
	return time.Duration(all.Nano() - awake.Nano())
}
