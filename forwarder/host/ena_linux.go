package host

import (
	"encoding/binary"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// lookEvery reads, interfaces are looked for that were not there before.
const lookEvery = 60

// ENAReader reads the counters of all interfaces of EC2. The zero value is ready to use;
// it may be used by one goroutine at a time.
type ENAReader struct {
	names []string // interfaces with this driver
	reads int
}

// Read returns the counters, in the order of the interfaces; none where there
// is no such interface. It takes some ten microseconds, and what the device
// needs.
func (r *ENAReader) Read() ([]Exceeded, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket for ethtool: %w", err)
	}
	defer unix.Close(fd)
	return r.read(kernel(fd), hostInterfaces)
}

// ethtool asks the drivers of interfaces.
type ethtool interface {
	// driver returns the name of name's driver and how many statistics it has.
	driver(name string) (driver string, statistics int, err error)
	// call fills in what buf, which begins with a command, asks about name.
	call(name string, buf []byte) error
}

func (r *ENAReader) read(e ethtool, interfaces func() ([]string, error)) (list []Exceeded, err error) {
	if r.reads%lookEvery == 0 {
		if r.names, err = withDriver(e, interfaces); err != nil {
			return nil, err
		}
	}
	r.reads++
	for _, name := range r.names {
		names, values, err := statisticsOf(e, name)
		if err != nil {
			r.reads = 0 // it is gone: look again
			return nil, err
		}
		for statistic, n := range statistics(names, values) {
			if a := allowanceOf(statistic); a != "" {
				list = append(list, Exceeded{name, a, n})
			}
		}
	}
	return list, nil
}

func hostInterfaces() (names []string, err error) {
	list, err := net.Interfaces()
	for _, i := range list {
		names = append(names, i.Name)
	}
	return names, err
}

// withDriver lists the interfaces that are driven by driver. One that does not
// say is not.
func withDriver(e ethtool, interfaces func() ([]string, error)) (ours []string, err error) {
	names, err := interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing interfaces: %w", err)
	}
	for _, name := range names {
		if d, _, err := e.driver(name); err == nil && d == driver {
			ours = append(ours, name)
		}
	}
	return ours, nil
}

// Heads of ethtool's requests in octets, before what is filled in: command, set
// and number of names; command and number of values (linux/ethtool.h).
const (
	namesHead  = 12
	valuesHead = 8
)

// setStatistics is the set of names that goes with the values (ETH_SS_STATS).
const setStatistics = 1

// statisticsOf returns all names and values of an interface.
func statisticsOf(e ethtool, name string) (names, values []byte, err error) {
	_, n, err := e.driver(name)
	if err != nil {
		return nil, nil, fmt.Errorf("asking for the driver of %s: %w", name, err)
	}
	// The kernel fills in as many as there are by now: a queue that was added
	// meanwhile must not go past the end.
	most := 2*n + 1024
	ask := func(command uint32, head, size int) ([]byte, error) {
		buf := make([]byte, head+most*size)
		binary.NativeEndian.PutUint32(buf, command)
		binary.NativeEndian.PutUint32(buf[4:], setStatistics) // of values: how many
		binary.NativeEndian.PutUint32(buf[head-4:], uint32(n))
		if err := e.call(name, buf); err != nil {
			return nil, fmt.Errorf("reading statistics of %s: %w", name, err)
		}
		n := binary.NativeEndian.Uint32(buf[head-4:])
		return buf[head:][:min(int(n), most)*size], nil
	}
	if names, err = ask(unix.ETHTOOL_GSTRINGS, namesHead, nameLen); err != nil {
		return nil, nil, err
	}
	values, err = ask(unix.ETHTOOL_GSTATS, valuesHead, 8)
	return names, values, err
}
