package zone

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// wildcard is the owner of the probe's, "" if it has none.
func (z *Zone) wildcard(c Change, owner string) (string, error) {
	if c.ProbeLabel == "" || strings.HasPrefix(owner, `\052.`) {
		return "", nil
	}
	return z.owner("*." + c.ProbeLabel + "." + owner)
}

// addProbe has the probe's wildcard follow the name, in the same batch. An alias
// follows by itself. One that has another address than the name had is somebody
// else's, and is left alone.
func (z *Zone) addProbe(c Change, wildcard string, sets []types.ResourceRecordSet, p *plan) {
	for _, s := range sets {
		if s.Type == c.rtype() && s.AliasTarget == nil {
			p.follow(z, c, wildcard, s)
		}
	}
}

// follow changes the wildcard as the name changes.
func (p *plan) follow(z *Zone, c Change, wildcard string, s types.ResourceRecordSet) {
	probe, err := z.simple(wildcard, c.rtype(), []types.ResourceRecordSet{s})
	switch {
	case err != nil:
		p.warn("the probe's %s is %s, and is left alone: make it an alias of %s", shown(wildcard), kindOf(s), p.old.Name)
	case sameAddresses(probe, c.Addresses):
	case p.already || !sameAddresses(probe, p.old.Addresses()):
		p.warn("the probe's %s has %s, which %s did not have, and is left alone: make it an alias of %s", probe.Name, probe, p.old.Name, p.old.Name)
	default:
		next := c
		next.TTL = probe.TTL
		p.changes = append(p.changes, swap(probe, next.record(probe), !p.new.Exists())...)
	}
}
