//go:build !linux

package forwarder

import (
	"errors"
	"io"
)

var errNewsLost = errors.New("news lost")

// addressNews is not known here: the interfaces are looked at now and then.
func addressNews() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }
