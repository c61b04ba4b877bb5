package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/miekg/dns"
)

// Bounds of a primary zone: they are meant for localhost and a few names of
// one's own, and are held in memory twice during a reload.
const (
	maxZoneBytes   = 16 << 20 // of one file; an included one has its own
	maxZoneRecords = 100_000
)

// ReadFile reads the master file of the zone apex (RFC 1035, section 5).
func ReadFile(path, apex string) ([]dns.RR, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding zone file: %w", err)
	}
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("opening zone file: %w", err)
	}
	defer f.Close()
	records, err := parseZone(f, path, apex)
	if err != nil {
		return nil, fmt.Errorf("reading zone file: %w", err)
	}
	return records, checkZone(records, apex, path)
}

// openRegular opens a file that ends; a pipe or device may not.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if info.Size() > maxZoneBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxZoneBytes)
	}
	return os.Open(path)
}

// zoneIncludes opens the files that a master file names with $INCLUDE, with
// the bounds of master files. Paths come without their first slash.
type zoneIncludes struct{}

func (zoneIncludes) Open(path string) (fs.File, error) { return openRegular("/" + path) }

func parseZone(r io.Reader, path, apex string) ([]dns.RR, error) {
	p := dns.NewZoneParser(io.LimitReader(r, maxZoneBytes), apex, path)
	p.SetIncludeAllowed(true)
	p.SetIncludeFS(zoneIncludes{})
	var records []dns.RR
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if len(records) == maxZoneRecords {
			return nil, fmt.Errorf("%s: more than %d records", path, maxZoneRecords)
		}
		records = append(records, rr)
	}
	return records, p.Err()
}

// checkZone holds records to what every zone must have: one SOA and NS records
// at the apex, one class, and nothing from elsewhere (RFC 1034, 4.2.1).
func checkZone(records []dns.RR, apex, path string) error {
	c := zoneChecker{apex: apex, cname: make(map[string]bool), other: make(map[string]bool)}
	for _, rr := range records {
		if err := c.add(rr.Header()); err != nil {
			return fmt.Errorf("%s: %s: %w", path, rr.Header().Name, err)
		}
	}
	switch {
	case c.soa != 1:
		return fmt.Errorf("%s: has %d SOA records", path, c.soa)
	case c.ns == 0:
		return fmt.Errorf("%s: has no NS records", path)
	}
	return nil
}

// zoneChecker counts what it saw of a zone.
type zoneChecker struct {
	apex         string
	soa, ns      int
	cname, other map[string]bool // owners with a CNAME, with other data
}

func (c *zoneChecker) add(h *dns.RR_Header) error {
	owner := dns.CanonicalName(h.Name)
	switch {
	case h.Class != dns.ClassINET:
		return fmt.Errorf("class %v is not IN", dns.Class(h.Class))
	case !dns.IsSubDomain(c.apex, owner):
		return errors.New("out of zone")
	case h.Rrtype == dns.TypeSOA && owner != c.apex:
		return errors.New("SOA not at top of zone")
	case h.Rrtype == dns.TypeSOA:
		c.soa++
	case h.Rrtype == dns.TypeNS && owner == c.apex:
		c.ns++
	}
	return c.alone(h.Rrtype, owner)
}

// alone checks that a CNAME has no company but DNSSEC's (RFC 1034, 3.6.2; RFC
// 4034, 3 and 4).
func (c *zoneChecker) alone(rtype uint16, owner string) error {
	switch {
	case rtype == dns.TypeRRSIG || rtype == dns.TypeNSEC:
	case rtype != dns.TypeCNAME:
		c.other[owner] = true
	case c.cname[owner]:
		return errors.New("multiple CNAME records")
	default:
		c.cname[owner] = true
	}
	if c.cname[owner] && c.other[owner] {
		return errors.New("CNAME and other data")
	}
	return nil
}
