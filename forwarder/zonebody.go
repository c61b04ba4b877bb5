package forwarder

import (
	"strings"

	"vpcdns/forwarder/namedconf"
)

// zoneTypes are all of BIND's; refusedZones says which of them are not served.
var zoneTypes = words{
	"primary", "master", "forward", "hint", "secondary", "slave", "stub",
	"static-stub", "mirror", "redirect", "delegation-only",
}

var zonePlaces = map[string]place{
	"primary": inPrimary, "master": inPrimary, "forward": inForward, "hint": inHint,
}

const forwardInstead = "zones are not transferred; use type forward with its servers as forwarders"

var refusedZones = map[string]string{
	"secondary":       forwardInstead,
	"slave":           forwardInstead,
	"stub":            forwardInstead,
	"mirror":          forwardInstead,
	"static-stub":     "zones' own name servers are not asked; use type forward if they recurse",
	"redirect":        "NXDOMAIN is passed on as it comes",
	"delegation-only": "answers are passed on as they come",
}

// zoneBody is the block of a zone. What may stand in it depends on its type.
type zoneBody struct{}

func (zoneBody) String() string { return "{ … }" }

func (zoneBody) starts(it namedconf.Item) bool { return it.Kind == namedconf.Block }

func (zoneBody) read(r *itemReader) error {
	if r.done() || r.in[0].Kind != namedconf.Block {
		return r.complain("'{' expected")
	}
	in, err := zonePlace(r)
	if err != nil {
		return err
	}
	return clauses(in).read(r)
}

// zonePlace returns the place of the zone that r is reading: its type.
func zonePlace(r *itemReader) (place, error) {
	zone, block := r.out[0], r.in[0]
	if len(r.out) > 1 {
		zone = r.out[1]
	}
	kind, ok := findOption(block.Body, "type")
	if view, found := findOption(block.Body, "in-view"); found && !ok {
		return 0, &complaint{view.Pos, "option 'in-view' is not supported: " + noViews}
	}
	switch why := refusedZones[strings.ToLower(kind.Text)]; {
	case !ok:
		return 0, &complaint{zone.Pos, "zone '" + nameIn(zone) + "': type not present"}
	case why != "":
		return 0, &complaint{kind.Pos, "zone '" + nameIn(zone) + "': type " + kind.Text + " is not supported: " + why}
	}
	in, ok := zonePlaces[strings.ToLower(kind.Text)]
	if !ok || kind.Kind != namedconf.Word {
		return 0, &complaint{kind.Pos, "'" + kind.String() + "' unexpected: there is no such type of zone"}
	}
	return in, nil
}

// findOption returns the value of the first option of that name in a block.
func findOption(body []namedconf.Statement, name string) (namedconf.Item, bool) {
	for _, s := range body {
		if s.Name() == name && len(s.Items) > 1 {
			return s.Items[1], true
		}
	}
	return namedconf.Item{}, false
}
