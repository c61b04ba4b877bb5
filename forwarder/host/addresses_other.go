//go:build !linux

package host

import (
	"errors"
	"io"
)

var ErrNewsLost = errors.New("news lost")

// AddressNews is not known here: the interfaces are looked at now and then.
func AddressNews() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }
