//go:build !linux

package host

import (
	"errors"
	"fmt"
)

// ClockSynchronized does not know.
func ClockSynchronized() (bool, error) {
	return false, fmt.Errorf("reading the clock's state: %w", errors.ErrUnsupported)
}
