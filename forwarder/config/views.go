package config

import (
	"strings"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// clientView is the one view that is served, if there are views.
type clientView struct {
	present     bool
	name        string
	clients     acl.List // match-clients; nil is all
	ownQuery    bool     // it has an allow-query
	hiddenQuery acl.List // that of options, then; nil is none
	query       acl.List // who may ask for its zones
}

// flatten returns the statements with those of the view in their place: its
// options over those for all views, and its zones, keys and servers.
func (b *builder) flatten(statements []namedconf.Statement) []namedconf.Statement {
	var views []namedconf.Statement
	for _, s := range statements {
		if s.Name() == "view" {
			views = append(views, s)
		}
	}
	if len(views) == 0 {
		return statements
	}
	b.view.present, b.view.name = true, views[0].Items[1].Text
	if s, ok := statementOf("match-clients", bodyOf(views[0])); ok {
		b.view.clients = b.list(bodyOf(s))
	}
	b.checkViews(views)
	return b.merge(statements, views[0])
}

func (b *builder) checkViews(views []namedconf.Statement) {
	seen := make(map[string]namedconf.Pos)
	for _, v := range views {
		it := v.Items[1]
		if at, ok := seen[it.Text]; ok {
			b.errorf(it.Pos, "view '%s': already exists previous definition: %v", it, at)
		}
		seen[it.Text] = it.Pos
		if it.Text == "_default" {
			b.errorf(it.Pos, "attempt to redefine builtin view '%s'", it)
		}
		if class := v.Items[2]; !isIN(class) {
			b.errorf(class.Pos, "view '%s': class %s is not served; leave the view out, and say version none, hostname none and the like in options", it, class)
		}
	}
	b.checkOthers(views)
}

// isIN reports whether a view or zone is of class IN: it says so, or has its block
// in the class's place.
func isIN(it namedconf.Item) bool {
	return it.Kind != namedconf.Word || strings.EqualFold(it.Text, "IN")
}

// checkOthers is about the views behind the first: a view that matches everybody
// leaves nobody to them.
func (b *builder) checkOthers(views []namedconf.Statement) {
	first := views[0].Items[1]
	for _, v := range views[1:] {
		switch it := v.Items[1]; {
		case !isIN(v.Items[2]):
		case !b.view.narrow():
			b.changef(v.Pos(), "view '%s' is ignored: all clients match the view '%s' before it", it, first)
		default:
			b.errorf(v.Pos(), "view '%s': one view is served, and that is '%s': run a forwarder for each view, with a file of its own and a listen-on address of its own", it, first)
		}
	}
}

// matchesAll reports whether a list allows every address, by what is plain to see.
func matchesAll(l acl.List) bool {
	if len(l) == 0 || l[0].Negated {
		return false
	}
	return l[0].Kind == acl.Any || l[0].Kind == acl.Nested && matchesAll(l[0].List)
}

// bodyOf returns the block that a statement ends with.
func bodyOf(s namedconf.Statement) []namedconf.Statement { return s.Items[len(s.Items)-1].Body }

func statementOf(name string, body []namedconf.Statement) (namedconf.Statement, bool) {
	for _, s := range body {
		if s.Name() == name {
			return s, true
		}
	}
	return namedconf.Statement{}, false
}

// merge is flatten for one view. As in BIND, an option of the view hides all of
// its name in options, and the view's servers hide all others.
func (b *builder) merge(statements []namedconf.Statement, view namedconf.Statement) []namedconf.Statement {
	own := make(map[string]bool)
	var options, blocks []namedconf.Statement
	for _, s := range bodyOf(view) {
		own[s.Name()] = true
		if _, ok := b.index.find(s.Name(), inTop); ok {
			blocks = append(blocks, s)
			if s.Name() == "key" {
				b.defineKey(s, false)
			}
		} else {
			options = append(options, s)
		}
	}
	b.checkViewForward(view.Items[1], options)
	b.view.ownQuery = own["allow-query"]
	if own["forwarders"] {
		b.globalIn = "view '" + nameIn(view.Items[1]) + "'"
	}
	var merged []namedconf.Statement
	for _, s := range statements {
		switch name := s.Name(); {
		case name == "options":
			options = append(b.hide(bodyOf(s), own), options...)
		case name == "zone":
			b.errorf(s.Pos(), "zone '%s': when using 'view' statements, all zones must be in views: move it into the view", s.Items[1])
		case name != "view" && !(name == "server" && own[name]):
			merged = append(merged, s)
		}
	}
	name := namedconf.Item{Text: "options", Pos: view.Pos()}
	block := namedconf.Item{Kind: namedconf.Block, Body: options, Pos: view.Pos()}
	merged = append(merged, namedconf.Statement{Items: []namedconf.Item{name, block}})
	return append(merged, blocks...)
}

// hide returns the options that a view does not have itself.
func (b *builder) hide(options []namedconf.Statement, own map[string]bool) (left []namedconf.Statement) {
	for _, s := range options {
		switch {
		case !own[s.Name()]:
			left = append(left, s)
		case s.Name() == "allow-query":
			b.view.hiddenQuery = b.list(bodyOf(s))
		}
	}
	return left
}

// checkViewForward reports a policy of the view's own without its own servers;
// one of the options is fine without.
func (b *builder) checkViewForward(view namedconf.Item, options []namedconf.Statement) {
	forward, ok := statementOf("forward", options)
	if _, given := statementOf("forwarders", options); ok && !given && !b.broken {
		b.errorf(forward.Pos(), "view '%s': no matching 'forwarders' statement", view)
	}
}

// narrow reports whether there are clients that the view does not match.
func (v *clientView) narrow() bool { return v.clients != nil && !matchesAll(v.clients) }

// only returns the list of those that the view matches and l allows.
func (v *clientView) only(l acl.List) acl.List {
	if !v.narrow() {
		return l
	}
	others := acl.List{{Kind: acl.Nested, Negated: true, List: v.clients}, {Kind: acl.Any}}
	return acl.List{{Kind: acl.Nested, Negated: true, List: others}, {Kind: acl.Nested, List: l}}
}

// finishViewAccess turns away whom the view does not match. CHAOS is answered by
// a view of BIND's own, which has the allow-query of the options.
func (b *builder) finishViewAccess() {
	c, v := b.cfg, &b.view
	if v.narrow() {
		c.MatchClients = v.clients
	}
	v.query = v.only(c.AllowQuery)
	c.AllowCache, c.AllowRecurse = v.only(c.AllowCache), v.only(c.AllowRecurse)
	if v.ownQuery {
		c.AllowQuery = firstList(v.hiddenQuery, acl.All())
	}
}

// finishViewZones gives each zone a list of its own, where that of the Config is
// for CHAOS alone.
func (b *builder) finishViewZones() {
	if !b.view.narrow() && !b.view.ownQuery {
		return
	}
	for i := range b.cfg.Local {
		z := &b.cfg.Local[i]
		if z.AllowQuery != nil {
			z.AllowQuery = b.view.only(z.AllowQuery)
		} else {
			z.AllowQuery = b.view.query
		}
	}
}
