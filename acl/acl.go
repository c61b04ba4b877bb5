// Package acl decides by BIND's address match lists whether an address may do
// something. It knows addresses only: names of lists are resolved, and keys
// and other elements that no address can match are turned into Never, before
// a List is made.
//
// A List is syntax, and cheap to build and to print. Compile turns it, with
// what the host's interfaces say, into a Set, which is a sorted list of ranges
// however the List was nested: matching costs one binary search.
package acl

import "net/netip"

// Kind says what an Element is.
type Kind uint8

// The kinds of elements. The zero Kind is Prefix.
const (
	Prefix    Kind = iota // an address or a prefix: Element.Prefix
	Any                   // every address; a negated Any is BIND's `none`
	Localhost             // the addresses of the host's interfaces: Env.Localhost
	Localnets             // the networks that they are on: Env.Localnets
	Nested                // another list, written in place or by its name: Element.List
	Never                 // matches no address, as `key x` and an empty list do
)

// Element is one element of an address match list.
type Element struct {
	Kind    Kind
	Negated bool
	Prefix  netip.Prefix // of Kind Prefix; host bits are ignored, the invalid prefix matches nothing
	List    List         // of Kind Nested
}

// List is an address match list. The first element that matches an address
// decides: the list allows the address, or denies it if the element is
// negated. An address that no element matches is denied, so the nil List
// denies all.
//
// A nested list is an element that matches the addresses it allows. One that
// it denies is only not matched by it, and the elements after it are asked:
// negation never turns into permission, `{ !{ !10.0.0.1; }; }` denies
// 10.0.0.1, but `{ { !10.0.0.1; 10/8; }; any; }` allows it by its `any`.
type List []Element

// None returns the list `{ none; }`, which denies every address.
func None() List { return List{{Kind: Any, Negated: true}} }

// All returns the list `{ any; }`, which allows every address.
func All() List { return List{{Kind: Any}} }

// String returns the list as named.conf writes it, on one line and with its
// braces: `{ 10.0.0.0/8; !localnets; { any; }; }`. Never is written as an
// empty list, which says the same.
func (l List) String() string { return string(l.append(nil)) }

func (l List) append(dst []byte) []byte {
	dst = append(dst, "{ "...)
	for _, e := range l {
		dst = append(e.append(dst), "; "...)
	}
	return append(dst, '}')
}

// String returns the element as named.conf writes it, without the semicolon.
func (e Element) String() string { return string(e.append(nil)) }

func (e Element) append(dst []byte) []byte {
	if e.Kind == Any && e.Negated {
		return append(dst, "none"...)
	}
	if e.Negated {
		dst = append(dst, '!')
	}
	switch {
	case e.Kind == Any:
		return append(dst, "any"...)
	case e.Kind == Localhost:
		return append(dst, "localhost"...)
	case e.Kind == Localnets:
		return append(dst, "localnets"...)
	case e.Kind == Nested:
		return e.List.append(dst)
	case e.Kind == Prefix && e.Prefix.IsValid():
		return append(dst, prefixText(e.Prefix)...)
	}
	return List(nil).append(dst)
}

// prefixText writes a whole address without its length, as people do.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.Masked().String()
}
