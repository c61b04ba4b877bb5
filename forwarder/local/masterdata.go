package local

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

var (
	errShortData = errors.New("unexpected end of input")
	errEscape    = errors.New("a backslash before digits takes three of them, 255 at most")
	errNotQuoted = errors.New("the target is not in quotes")
	errLongText  = errors.New("a text has more than 255 octets")
)

// parseData reads the data of a record. The parser of the library knows most
// types; what named reads otherwise is put into its form before.
func parseData(rtype uint16, data []token, origin string) (dns.RR, error) {
	if len(data) < leastData(rtype, data) {
		return nil, errShortData
	}
	if slices.ContainsFunc(data, badEscape) {
		return nil, errEscape
	}
	if isGeneric(data) {
		return parseText(rtype, data, origin)
	}
	if parse := oldParser(rtype); parse != nil {
		return parse(rtype, data, origin)
	}
	if rtype == dns.TypeURI && data[len(data)-1].kind != quoted { // RFC 7553, 4.4
		return nil, errNotQuoted
	}
	if hasTexts(rtype) && slices.ContainsFunc(data, longText) {
		return nil, errLongText // the library would cut it in two
	}
	rr, err := parseText(rtype, usualForm(rtype, data), origin)
	if err == nil {
		sortTypes(rr)
		err = checkData(rr)
	}
	return rr, err
}

// isGeneric reports whether data has the form for all types (RFC 3597, 5).
func isGeneric(data []token) bool { return len(data) > 0 && data[0] == token{kind: word, text: `\#`} }

// leastData is the least number of fields, as far as the library does not see that
// they are too few.
func leastData(rtype uint16, data []token) int {
	if isGeneric(data) {
		return 2
	}
	switch rtype {
	case dns.TypeAPL: // RFC 3123, 4
		return 0
	case dns.TypeHINFO, dns.TypeNSEC:
		return 2
	case dns.TypeDNSKEY, dns.TypeCDNSKEY, dns.TypeRKEY:
		return 4
	case dns.TypeKEY:
		return leastKey(data)
	case dns.TypeSOA:
		return 7
	case dns.TypeRRSIG, dns.TypeSIG:
		return 9
	}
	return 1
}

// leastKey knows keys that are none (RFC 2535, 3.1.2).
func leastKey(data []token) int {
	const noKey = 0xc000
	if len(data) > 0 {
		if flags, err := strconv.ParseUint(data[0].text, 0, 16); err == nil && flags&noKey == noKey {
			return 3
		}
	}
	return 4
}

// badEscape reports whether there is a backslash with digits that make no octet
// (RFC 1035, 5.1).
func badEscape(t token) bool {
	for i := 0; i < len(t.text); i++ {
		if t.text[i] != '\\' {
			continue
		}
		if i++; i == len(t.text) || t.text[i] < '0' || t.text[i] > '9' {
			continue
		}
		digits := t.text[i:min(i+3, len(t.text))]
		if n, err := strconv.ParseUint(digits, 10, 16); err != nil || len(digits) < 3 || n > 255 {
			return true
		}
		i += 2
	}
	return false
}

// hasTexts reports whether the data of a type are character-strings (RFC 1035, 3.3).
func hasTexts(rtype uint16) bool {
	switch rtype {
	case dns.TypeTXT, dns.TypeSPF, dns.TypeHINFO, dns.TypeISDN, dns.TypeX25, dns.TypeNAPTR, dns.TypeAVC, dns.TypeNINFO, dns.TypeGPOS:
		return true
	}
	return false
}

func longText(t token) bool {
	n := len(t.text)
	for i := 0; i < len(t.text); i++ {
		if t.text[i] != '\\' {
			continue
		}
		n--
		if i++; i < len(t.text) && t.text[i] >= '0' && t.text[i] <= '9' {
			n, i = n-2, i+2
		}
	}
	return n > 255
}

// usualForm is data as the library reads it.
func usualForm(rtype uint16, data []token) []token {
	data = slices.Clone(data)
	for i := range data {
		switch rtype {
		case dns.TypeNAPTR:
			if i >= 2 && i <= 4 {
				data[i].kind = quoted
			}
		case dns.TypeGPOS, dns.TypeX25:
			data[i].kind = word
		case dns.TypeNID, dns.TypeL64:
			data[i].text = fullGroups(data[i].text)
		case dns.TypeDNSKEY, dns.TypeCDNSKEY, dns.TypeKEY, dns.TypeRKEY:
			switch i {
			case 0:
				data[i].text = decimal(data[i].text)
			case 2:
				data[i].text = algorithmNumber(data[i].text)
			}
		case dns.TypeDS, dns.TypeCDS, dns.TypeDLV, dns.TypeTA:
			if i == 2 {
				data[i].text = digestNumber(data[i].text)
			}
		case dns.TypeRRSIG, dns.TypeSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNXT, dns.TypeCSYNC:
			data[i].text = oldTypeNumber(data[i].text)
		}
	}
	return data
}

// fullGroups writes the groups of an address with all their digits.
func fullGroups(text string) string {
	if !strings.Contains(text, ":") {
		return text
	}
	groups := strings.Split(text, ":")
	for i, g := range groups {
		groups[i] = strings.Repeat("0", max(0, 4-len(g))) + g
	}
	return strings.Join(groups, ":")
}

// decimal writes a number in C's notation as one that the library reads.
func decimal(text string) string {
	if n, err := strconv.ParseUint(text, 0, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return text
}

func algorithmNumber(text string) string {
	if n, ok := dns.StringToAlgorithm[strings.ToUpper(text)]; ok {
		return strconv.Itoa(int(n))
	}
	return text
}

func digestNumber(text string) string {
	if n, ok := dns.StringToHash[strings.ReplaceAll(strings.ToUpper(text), "-", "")]; ok {
		return strconv.Itoa(int(n))
	}
	return text
}

// oldTypeNumber writes a type that the library does not know by its number.
func oldTypeNumber(text string) string {
	if t, ok := oldTypes[strings.ToUpper(text)]; ok {
		return "TYPE" + strconv.Itoa(int(t))
	}
	return text
}

// parseText has the library read the data of a record.
func parseText(rtype uint16, data []token, origin string) (dns.RR, error) {
	var b strings.Builder
	name := dns.Type(rtype).String()
	if rtype == dns.TypeReserved { // the library has a name for it that it does not read
		name = "TYPE65535"
	}
	b.WriteString(". 0 IN " + name)
	for _, t := range data {
		if !t.joined || rtype != dns.TypeSVCB && rtype != dns.TypeHTTPS { // key="value" (RFC 9460, 2.1)
			b.WriteString(" ")
		}
		if t.kind == quoted {
			b.WriteString(`"` + t.text + `"`)
		} else {
			b.WriteString(t.text)
		}
	}
	b.WriteString("\n")
	p := dns.NewZoneParser(strings.NewReader(b.String()), origin, "")
	rr, _ := p.Next()
	if err := p.Err(); err != nil {
		return nil, errors.New(strings.Replace(shortened(err).Error(), "bad "+name+" ", "bad ", 1))
	}
	return rr, nil
}

// shortened is an error of the library without what it says of the place: that is
// one in a text that nobody sees.
func shortened(err error) error {
	text, _, _ := strings.Cut(err.Error(), " at line: ")
	return errors.New(strings.TrimPrefix(text, "dns: "))
}

// sortTypes puts the types of a bit map in order, which the library wants to be.
func sortTypes(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.NSEC:
		rr.TypeBitMap = sorted(rr.TypeBitMap)
	case *dns.NSEC3:
		rr.TypeBitMap = sorted(rr.TypeBitMap)
	case *dns.CSYNC:
		rr.TypeBitMap = sorted(rr.TypeBitMap)
	}
}

func sorted(types []uint16) []uint16 {
	slices.Sort(types)
	return slices.Compact(types)
}

var (
	errDigest    = errors.New("the digest is not as long as its type says")
	errMandatory = errors.New("a mandatory key is not there")
	errX25       = errors.New("four digits at least")
)

// checkData finds faults that the library overlooks.
func checkData(rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.DS:
		return checkDigest(rr.DigestType, rr.Digest)
	case *dns.SSHFP:
		return checkDigest(rr.Type, rr.FingerPrint)
	case *dns.X25:
		if len(rr.PSDNAddress) < 4 {
			return errX25
		}
	case *dns.SVCB:
		return checkMandatory(rr)
	case *dns.HTTPS:
		return checkMandatory(&rr.SVCB)
	}
	return nil
}

// checkDigest holds a digest in hexadecimal to the length of its type (RFC 4034, A.2; RFC
// 4509; RFC 6605; RFC 6594).
func checkDigest(kind uint8, digits string) error {
	length := map[uint8]int{1: 20, 2: 32, 4: 48}[kind]
	if length > 0 && len(digits) != 2*length {
		return errDigest
	}
	return nil
}

// checkMandatory looks for the keys that are mandatory (RFC 9460, 8).
func checkMandatory(rr *dns.SVCB) error {
	has := make(map[dns.SVCBKey]bool)
	var mandatory []dns.SVCBKey
	for _, kv := range rr.Value {
		has[kv.Key()] = true
		if m, ok := kv.(*dns.SVCBMandatory); ok {
			mandatory = m.Code
		}
	}
	if slices.ContainsFunc(mandatory, func(k dns.SVCBKey) bool { return !has[k] }) {
		return errMandatory
	}
	return nil
}

// absolute returns a name of a master file in full. Its letters stay.
func absolute(text, origin string) (string, error) {
	switch {
	case text == "@":
		return origin, nil
	case !dns.IsFqdn(text) && origin == ".":
		text += "."
	case !dns.IsFqdn(text):
		text += "." + origin
	}
	var buf [255]byte // RFC 1035, 2.3.4
	n, err := dns.PackDomainName(text, buf[:], 0, nil, false)
	if err != nil {
		return "", errName
	}
	return wire.NameText(buf[:n]), nil
}

var errName = errors.New("bad name: a label is empty or has more than 63 octets, or the name more than 255")
