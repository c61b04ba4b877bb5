//go:build !linux

package host

import (
	"errors"
	"net/netip"
)

func routeFrom(_, _ netip.Addr) (string, error) { return "", errors.ErrUnsupported }
