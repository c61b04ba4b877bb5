package wire

import (
	"strings"

	"github.com/miekg/dns"
)

// PackName returns a domain name's wire form in lower case, uncompressed; ""
// stands for what is no domain name, and is that of none.
func PackName(name string) string {
	buf := make([]byte, 255) // RFC 1035, 2.3.4
	n, err := dns.PackDomainName(dns.Fqdn(name), buf, 0, nil, false)
	if err != nil {
		return ""
	}
	return string(AppendLower(nil, buf[:n]))
}

// NameText returns an uncompressed wire name in presentation format, "?" when it
// is none.
func NameText(name []byte) string {
	text, _, err := dns.UnpackDomainName(name, 0)
	if err != nil {
		return "?"
	}
	return text
}

// TrimDot is a name in presentation format as BIND logs it: without the final dot, but for
// the root.
func TrimDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
