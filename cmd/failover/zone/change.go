package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Change is what a name is to have.
type Change struct {
	Name      string
	Addresses []netip.Addr // all IPv4, or all IPv6; none deletes the record, which needs From
	TTL       uint32       // s
	// From is what the record must have now: compare and swap. None is anything.
	From []netip.Addr
	// ProbeLabel is that of the probe's wildcard, *.LABEL.NAME; "" leaves that alone.
	ProbeLabel string
	Comment    string // of the change in Route 53, for whoever looks at it later
	DryRun     bool   // only says what would be sent
}

// Result is what became of a change.
type Result struct {
	ChangeID    string    // for Wait, "" if nothing was sent
	SubmittedAt time.Time // by AWS's clock
	Already     bool      // the record was right: nothing was sent
	Old, New    Record
	Warnings    []string // sentences for the operator
	Batch       string   // what was sent, or would be: JSON, as aws route53 takes it
}

// maxTTL is the most that the API takes, s.
const maxTTL = 1<<31 - 1

// rtype is the type of the record, by its addresses.
func (c Change) rtype() types.RRType {
	if all := append(slices.Clone(c.Addresses), c.From...); len(all) > 0 && all[0].Is6() {
		return types.RRTypeAaaa
	}
	return types.RRTypeA
}

// check refuses a change that cannot be meant.
func (c Change) check() error {
	switch {
	case len(c.Addresses) == 0 && len(c.From) == 0:
		return refused("no address is given for %s", c.Name)
	case c.TTL > maxTTL:
		return refused("a TTL is at most %d s", maxTTL)
	}
	for _, a := range append(slices.Clone(c.Addresses), c.From...) {
		if err := checkAddress(a, c.rtype()); err != nil {
			return err
		}
	}
	return nil
}

func checkAddress(a netip.Addr, rtype types.RRType) error {
	switch {
	case !a.IsValid() || a.Zone() != "" || a.Is4In6():
		return refused("%s is no address that a record can have", a)
	case a.IsUnspecified() || a.IsMulticast():
		return refused("%s is no address of a machine", a)
	case a.Is6() != (rtype == types.RRTypeAaaa):
		return refused("IPv4 and IPv6 addresses are in records of their own: give those of one of them")
	}
	return nil
}

// plan is what is to be sent for a change, as the zone is now.
type plan struct {
	changes  []types.Change
	old, new Record
	warnings []string
	already  bool
}

// warn adds a sentence for the operator.
func (p *plan) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// plan compares the change with what the zone has at the name.
func (z *Zone) plan(c Change, owner string, sets []types.ResourceRecordSet) (*plan, error) {
	old, err := z.simple(owner, c.rtype(), sets)
	if err != nil {
		return nil, err
	}
	if err := z.noCNAME(owner, sets); err != nil {
		return nil, err
	}
	p := &plan{old: old, new: c.record(old)}
	p.warnBeside(sets, c.rtype())
	same := sameAddresses(old, c.Addresses)
	switch {
	case same && (len(c.From) > 0 || old.TTL == c.TTL), len(c.Addresses) == 0 && !old.Exists():
		p.already, p.new = true, old
		p.warnTTL(c)
	case len(c.From) > 0 && !sameAddresses(old, c.From):
		return nil, refused("%s in %s has %s, and not %s: it is left as it is", old.Name, z, old, joined(c.From))
	default:
		p.changes = swap(old, p.new, len(c.From) > 0)
		p.warnTTL(c)
	}
	return p, nil
}

// record is the one that the change makes.
func (c Change) record(old Record) Record {
	r := Record{Name: old.Name, Type: old.Type, TTL: c.TTL, set: old.set}
	owner, _ := canonical(old.Name)
	r.set.Name, r.set.Type, r.set.TTL = &owner, c.rtype(), ptr(int64(c.TTL))
	r.set.ResourceRecords = nil
	for i, a := range c.Addresses {
		if slices.Contains(c.Addresses[:i], a) {
			continue // a set has each value once
		}
		r.Values = append(r.Values, a.String())
		r.set.ResourceRecords = append(r.set.ResourceRecords, types.ResourceRecord{Value: ptr(a.String())})
	}
	return r
}

// swap replaces a record. To compare, it deletes it by its exact values: the API
// refuses that where they changed meanwhile, and the whole batch with it.
func swap(old, new Record, compare bool) []types.Change {
	if !compare {
		return []types.Change{{Action: types.ChangeActionUpsert, ResourceRecordSet: &new.set}}
	}
	list := []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: &old.set}}
	if new.Exists() {
		list = append(list, types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &new.set})
	}
	return list
}

// noCNAME refuses a name that has no addresses of its own.
func (z *Zone) noCNAME(owner string, sets []types.ResourceRecordSet) error {
	for _, s := range sets {
		if s.Type == types.RRTypeCname && len(s.ResourceRecords) > 0 {
			target := strings.TrimSuffix(value(s.ResourceRecords[0].Value), ".")
			return refused("%s in %s is a CNAME of %s: switch that name", shown(owner), z, target)
		}
	}
	return nil
}

// warnBeside tells of records that lead clients past the changed one.
func (p *plan) warnBeside(sets []types.ResourceRecordSet, rtype types.RRType) {
	for _, s := range sets {
		switch {
		case s.Type == rtype:
		case s.Type == types.RRTypeA || s.Type == types.RRTypeAaaa:
			p.warn("%s has an %s record too, which is left as it is: clients that prefer it do not follow", p.old.Name, s.Type)
		case s.Type == types.RRTypeHttps || s.Type == types.RRTypeSvcb:
			p.warn("%s has an %s record, which is left as it is: browsers believe its address hints and target", p.old.Name, s.Type)
		}
	}
}

// warnTTL tells of what was handed out with another TTL.
func (p *plan) warnTTL(c Change) {
	switch {
	case !p.old.Exists() && !p.already:
		p.warn("%s had no %s record, and gets one: who asked before may believe for up to 300 s that there is none", p.old.Name, p.old.Type)
	case p.old.Exists() && p.new.Exists() && p.already && p.old.TTL != c.TTL:
		p.warn("%s has a TTL of %d s, not of %d: a later change takes so long", p.old.Name, p.old.TTL, c.TTL)
	case p.old.Exists() && p.old.TTL > c.TTL && !p.already:
		p.warn("%s had a TTL of %d s: who has the old answer may keep it for so long", p.old.Name, p.old.TTL)
	}
}

// sameAddresses compares as sets: neither order nor spelling counts.
func sameAddresses(r Record, list []netip.Addr) bool {
	has := r.Addresses()
	slices.SortFunc(has, netip.Addr.Compare)
	want := slices.SortedFunc(slices.Values(list), netip.Addr.Compare)
	return len(has) == len(r.Values) && slices.Equal(has, slices.Compact(want))
}

func joined(list []netip.Addr) string {
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	return b.String()
}
