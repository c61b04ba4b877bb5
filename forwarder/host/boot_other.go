//go:build !linux

package host

import "time"

// Boot returns nothing where no id tells one run of the machine from another.
func Boot() (id [16]byte, since time.Duration) { return id, 0 }
