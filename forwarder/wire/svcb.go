package wire

import "encoding/binary"

// Keys of service parameters (RFC 9460, 14.3.2).
const (
	svcMandatory     = 0
	svcALPN          = 1
	svcNoDefaultALPN = 2
	svcPort          = 3
	svcIPv4Hint      = 4
	svcIPv6Hint      = 6
)

// soundParams reports whether the parameters of an SVCB or HTTPS record are in order,
// and well formed as far as their keys are known (RFC 9460, 2.2).
func soundParams(data []byte) bool {
	for last := -1; len(data) > 0; {
		if len(data) < 4 {
			return false
		}
		key, n := int(binary.BigEndian.Uint16(data)), int(binary.BigEndian.Uint16(data[2:]))
		if data = data[4:]; key <= last || n > len(data) || !soundParam(key, data[:n]) {
			return false
		}
		last, data = key, data[n:]
	}
	return true
}

func soundParam(key int, value []byte) bool {
	n := len(value)
	switch key {
	case svcMandatory:
		return n > 0 && n%2 == 0
	case svcALPN:
		return n > 0 && soundALPN(value)
	case svcNoDefaultALPN:
		return n == 0
	case svcPort:
		return n == 2
	case svcIPv4Hint:
		return n > 0 && n%4 == 0
	case svcIPv6Hint:
		return n > 0 && n%16 == 0
	}
	return true
}

// soundALPN reports whether a list of protocols is one of strings, none of them empty.
func soundALPN(value []byte) bool {
	for len(value) > 0 {
		n := int(value[0])
		if n == 0 || n >= len(value) {
			return false
		}
		value = value[1+n:]
	}
	return true
}
