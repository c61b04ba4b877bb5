package config

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

func (zoneBody) Starts(it namedconf.Item) bool { return it.Kind == namedconf.Block }

func (zoneBody) Read(r *namedconf.Reader) error {
	block, ok := r.Peek()
	if !ok || block.Kind != namedconf.Block {
		return r.Errorf("'{' expected")
	}
	in, err := zonePlace(r.Normal(), block)
	if err != nil {
		return err
	}
	return clauses(in).Read(r)
}

// zonePlace returns the place of a zone's block: its type. head is what stands
// before the block.
func zonePlace(head []namedconf.Item, block namedconf.Item) (place, error) {
	zone := head[0]
	if len(head) > 1 {
		zone = head[1]
	}
	kind, ok := findOption(block.Body, "type")
	if view, found := findOption(block.Body, "in-view"); found && !ok {
		return 0, wrong(view, "option 'in-view' is not supported: "+noViews)
	}
	switch why := refusedZones[strings.ToLower(kind.Text)]; {
	case !ok:
		return 0, wrong(zone, "zone '"+nameIn(zone)+"': type not present")
	case why != "":
		return 0, wrong(kind, "zone '"+nameIn(zone)+"': type "+kind.Text+" is not supported: "+why)
	}
	in, ok := zonePlaces[strings.ToLower(kind.Text)]
	if !ok || kind.Kind != namedconf.Word {
		return 0, wrong(kind, "'"+kind.String()+"' unexpected: there is no such type of zone")
	}
	return in, nil
}

// wrong is an error about an item.
func wrong(it namedconf.Item, message string) error {
	return &namedconf.SyntaxError{Pos: it.Pos, Message: message}
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
