//go:build !linux

package host

// ENAReader reads nothing: there is no such driver here.
type ENAReader struct{}

// Read returns no counters.
func (*ENAReader) Read() ([]Exceeded, error) { return nil, nil }
