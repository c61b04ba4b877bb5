package config

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// maxElements bounds an access list with all the lists that it names: lists
// that name others twice each double at every step.
const maxElements = 100_000

// maxDepth bounds how deep lists name each other: the stack is finite.
const maxDepth = 1000

// namedList is an acl statement. It is resolved when it is first used: BIND
// lets lists be used before they are defined, and lets an unused one be wrong.
type namedList struct {
	statement namedconf.Statement
	state     resolution
	list      acl.List
	elements  int // of list, with those of nested lists
}

type resolution uint8

const (
	unresolved resolution = iota
	resolving
	resolved
)

var builtinLists = map[string]acl.Element{
	"any":       {Kind: acl.Any},
	"none":      {Kind: acl.Any, Negated: true},
	"localhost": {Kind: acl.Localhost},
	"localnets": {Kind: acl.Localnets},
}

// defineACL keeps an acl statement by its name.
func (b *builder) defineACL(s namedconf.Statement) {
	it := s.Items[1]
	name := strings.ToLower(it.Text)
	if _, ok := builtinLists[name]; ok {
		b.errorf(it.Pos, "attempt to redefine builtin acl '%s'", it)
		return
	}
	if old, ok := b.acls[name]; ok {
		b.errorf(it.Pos, "attempt to redefine acl '%s' previous definition: %v", it, old.statement.Pos())
		return
	}
	b.acls[name] = &namedList{statement: s}
}

// list makes an access list of the statements of its block; never nil.
func (b *builder) list(body []namedconf.Statement) acl.List {
	l, _ := b.elements(body)
	return l
}

func (b *builder) elements(body []namedconf.Statement) (l acl.List, n int) {
	l = make(acl.List, 0, len(body))
	for _, s := range body {
		e, inner, ok := b.element(s.Items)
		if n += 1 + inner; n > maxElements {
			if inner <= maxElements { // not reported yet
				b.errorf(s.Pos(), "access list has more than %d elements with the lists it names", maxElements)
			}
			return l, n
		}
		if ok {
			l = append(l, e)
		}
	}
	return l, n
}

// element makes one element, and counts those nested in it.
func (b *builder) element(items []namedconf.Item) (e acl.Element, inner int, ok bool) {
	negated := items[0].Kind == namedconf.Bang
	if negated {
		items = items[1:]
	}
	it := items[0]
	switch {
	case it.Kind == namedconf.Block:
		e.Kind = acl.Nested
		e.List, inner = b.elements(it.Body)
	case len(items) > 1: // key NAME: nothing here is signed
		e.Kind = acl.Never
		b.changef(it.Pos, "'key %s' matches nobody: queries are not signed here; name addresses", items[1])
	case it.Kind == namedconf.Word:
		e.Prefix = prefixOf(it.Text)
	default:
		if e, inner, ok = b.reference(it); !ok {
			return e, inner, false
		}
	}
	e.Negated = e.Negated != negated
	return e, inner, true
}

// reference looks up a list by its name.
func (b *builder) reference(it namedconf.Item) (e acl.Element, inner int, ok bool) {
	name := strings.ToLower(it.Text)
	if e, ok := builtinLists[name]; ok {
		return e, 0, true
	}
	l := b.acls[name]
	switch {
	case l == nil && !b.broken:
		b.errorf(it.Pos, "undefined ACL '%s'%s", it, didYouMean(name, slices.Sorted(maps.Keys(b.acls))))
		return e, 0, false
	case l == nil:
		return e, 0, false
	case l.state == resolving:
		b.errorf(it.Pos, "acl loop detected: %s", it)
		return e, 0, false
	}
	b.resolve(l)
	return acl.Element{Kind: acl.Nested, List: l.list}, l.elements, true
}

func (b *builder) resolve(l *namedList) {
	if l.state == resolved {
		return
	}
	if b.aclDepth == maxDepth {
		b.errorf(l.statement.Pos(), "access lists name each other more than %d deep", maxDepth)
		return
	}
	b.aclDepth++
	defer func() { b.aclDepth-- }()
	l.state = resolving
	l.list, l.elements = b.elements(l.statement.Items[2].Body)
	l.state = resolved
}

// prefixOf reads a prefix in normal form. An IPv6 zone is dropped: the address
// matches on every interface.
func prefixOf(s string) netip.Prefix {
	before, after, zoned := strings.Cut(s, "%")
	if zoned {
		_, length, _ := strings.Cut(after, "/")
		s = before + "/" + length
	}
	p, _ := netip.ParsePrefix(s)
	return p
}
