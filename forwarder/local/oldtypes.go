package local

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Types that named reads and the library does not know.
const (
	typeWKS    = 11
	typeNSAP   = 22
	typeATMA   = 34
	typeA6     = 38
	typeSINK   = 40
	typeDOA    = 259
	typeWALLET = 262
)

var oldTypes = map[string]uint16{
	"WKS": typeWKS, "NSAP": typeNSAP, "ATMA": typeATMA, "A6": typeA6, "SINK": typeSINK, "DOA": typeDOA, "WALLET": typeWALLET,
}

// typeName is the mnemonic of a type.
func typeName(rtype uint16) string {
	for name, t := range oldTypes {
		if t == rtype {
			return name
		}
	}
	return dns.Type(rtype).String()
}

// parseFunc reads the data of a record.
type parseFunc func(rtype uint16, data []token, origin string) (dns.RR, error)

// oldParser returns what reads the data of one of these types, or nil.
func oldParser(rtype uint16) parseFunc {
	switch rtype {
	case typeWKS:
		return fixed(2, 1<<16, wksData)
	case typeNSAP:
		return fixed(1, 1, nsapData)
	case typeATMA:
		return fixed(1, 1, atmaData)
	case typeA6:
		return fixed(2, 3, a6Data)
	case typeSINK:
		return fixed(4, 1<<16, sinkData)
	case typeDOA:
		return fixed(5, 1<<16, doaData)
	case typeWALLET:
		return walletData
	}
	return nil
}

var errData = errors.New("syntax error")

// fixed makes a parser of one that gives the data in wire form, and takes a number of
// fields.
func fixed(least, most int, wire func(fields []string, origin string) ([]byte, error)) parseFunc {
	return func(rtype uint16, data []token, origin string) (dns.RR, error) {
		if len(data) < least {
			return nil, errShortData
		}
		if len(data) > most {
			return nil, errors.New("extra input text")
		}
		fields := make([]string, len(data))
		for i, t := range data {
			fields[i] = t.text
		}
		b, err := wire(fields, origin)
		if err != nil {
			return nil, err
		}
		return unknown(rtype, b), nil
	}
}

// unknown makes a record of data in wire form (RFC 3597, 3).
func unknown(rtype uint16, data []byte) dns.RR {
	return &dns.RFC3597{Hdr: dns.RR_Header{Rrtype: rtype, Class: dns.ClassINET}, Rdata: hex.EncodeToString(data)}
}

// wksData reads ADDRESS PROTOCOL [SERVICE]… (RFC 1035, 3.4.2).
func wksData(f []string, _ string) ([]byte, error) {
	a, err := netip.ParseAddr(f[0])
	if err != nil || !a.Is4() {
		return nil, errors.New("bad dotted quad")
	}
	protocol := strings.ToLower(f[1])
	number, known := map[string]byte{"icmp": 1, "tcp": 6, "udp": 17}[protocol]
	if n, err := strconv.ParseUint(protocol, 10, 8); err == nil {
		number, known = byte(n), true
	}
	if !known {
		return nil, errors.New("unknown protocol " + f[1])
	}
	ports, err := portMap(servicesOf[number], f[2:])
	return append(append(a.AsSlice(), number), ports...), err
}

// servicesOf are the networks of protocols with names for ports.
var servicesOf = map[byte]string{6: "tcp", 17: "udp"}

func portMap(network string, services []string) (ports []byte, err error) {
	for _, s := range services {
		port, err := strconv.ParseUint(s, 10, 16)
		if err != nil && network != "" {
			var n int
			n, err = net.LookupPort(network, strings.ToLower(s))
			port = uint64(n)
		}
		if err != nil {
			return nil, errors.New("unknown service " + s)
		}
		for len(ports) <= int(port/8) {
			ports = append(ports, 0)
		}
		ports[port/8] |= 0x80 >> (port % 8)
	}
	return ports, nil
}

// nsapData reads hexadecimal digits behind 0x (RFC 1706, 7).
func nsapData(f []string, _ string) ([]byte, error) {
	digits, ok := strings.CutPrefix(strings.ToLower(f[0]), "0x")
	if !ok {
		return nil, errData
	}
	return dotted(digits)
}

// dotted reads hexadecimal digits with dots between.
func dotted(digits string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ".", ""))
	if err != nil || len(b) == 0 {
		return nil, errData
	}
	return b, nil
}

// atmaData reads an address in the form of E.164, or of an end system (ATM Name
// System, af-saa-0069).
func atmaData(f []string, _ string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(f[0], "+"); ok {
		digits = strings.ReplaceAll(digits, ".", "")
		if strings.Trim(digits, "0123456789") != "" || digits == "" {
			return nil, errData
		}
		return append([]byte{1}, digits...), nil
	}
	b, err := dotted(f[0])
	return append([]byte{0}, b...), err
}

// a6Data reads PREFIX-LENGTH [SUFFIX] [PREFIX-NAME] (RFC 2874, 3).
func a6Data(f []string, origin string) ([]byte, error) {
	length, err := strconv.ParseUint(f[0], 10, 8)
	if err != nil || length > 128 {
		return nil, errData
	}
	b, rest := []byte{byte(length)}, f[1:]
	if length < 128 {
		a, err := netip.ParseAddr(rest[0])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return nil, errors.New("bad IPv6 address")
		}
		suffix := a.AsSlice()[length/8:]
		suffix[0] &= 0xff >> (length % 8)
		b, rest = append(b, suffix...), rest[1:]
	}
	if length == 0 {
		return b, extra(rest)
	}
	if len(rest) == 0 {
		return nil, errShortData
	}
	name, err := packedName(rest[0], origin)
	if err == nil {
		err = extra(rest[1:])
	}
	return append(b, name...), err
}

func extra(fields []string) error {
	if len(fields) > 0 {
		return errors.New("extra input text")
	}
	return nil
}

func packedName(text, origin string) ([]byte, error) {
	name, err := absolute(text, origin)
	if err != nil {
		return nil, err
	}
	var buf [255]byte
	n, err := dns.PackDomainName(name, buf[:], 0, nil, false)
	return buf[:n], err
}

// sinkData reads MEANING CODING SUBCODING DATA (draft-eastlake-kitchen-sink-02).
func sinkData(f []string, _ string) (b []byte, err error) {
	for _, text := range f[:3] {
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil {
			return nil, errData
		}
		b = append(b, byte(n))
	}
	return appendBase64(b, f[3:])
}

// doaData reads ENTERPRISE TYPE LOCATION MEDIA-TYPE DATA (draft-durand-doa-over-dns-03).
func doaData(f []string, _ string) (b []byte, err error) {
	for i, bits := range []int{32, 32, 8} {
		n, err := strconv.ParseUint(f[i], 10, bits)
		if err != nil {
			return nil, errData
		}
		for ; bits > 0; bits -= 8 {
			b = append(b, byte(n>>(bits-8)))
		}
	}
	b = append(append(b, byte(len(f[3]))), f[3]...)
	if f[4] == "-" {
		return b, nil
	}
	return appendBase64(b, f[4:])
}

func appendBase64(b []byte, fields []string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(fields, ""))
	if err != nil {
		return nil, errors.New("bad base64 encoding")
	}
	return append(b, data...), nil
}

// walletData reads texts.
func walletData(rtype uint16, data []token, origin string) (dns.RR, error) {
	rr, err := parseData(dns.TypeTXT, data, origin)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 1<<16)
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	const head = 11 // an empty owner, type, class, TTL and length
	return unknown(rtype, buf[head:max(n, head)]), err
}
