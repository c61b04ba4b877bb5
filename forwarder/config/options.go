package config

import (
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// place is a set of blocks of named.conf.
type place uint32

const (
	inTop place = 1 << iota
	inView
	inOptions
	inRateLimit
	inPrimary // a zone of this type, as the next two
	inForward
	inHint
	inServer
	inKey
	inControls
	inStatistics
	inLogging
	inChannel
	inShared = inOptions | inView
	inZones  = inPrimary | inForward | inHint
)

var placeNames = []struct {
	place place
	name  string
}{
	{inTop, "top level"},
	{inOptions, "options"},
	{inView, "view"},
	{inRateLimit, "rate-limit"},
	{inPrimary, "primary zone"},
	{inForward, "forward zone"},
	{inHint, "hint zone"},
	{inServer, "server"},
	{inKey, "key"},
	{inControls, "controls"},
	{inStatistics, "statistics-channels"},
	{inLogging, "logging"},
	{inChannel, "channel"},
}

// String lists the blocks.
func (p place) String() string {
	var names []string
	for _, n := range placeNames {
		if p&n.place != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// Treatment is what becomes of an option.
type Treatment uint8

// What becomes of options.
const (
	Honoured Treatment = iota
	Ignored            // nobody notices
	Missed             // ignored, and clients or operators notice: a change
	Refused            // with an error that says why
)

func (t Treatment) String() string {
	return [...]string{"honoured", "ignored", "missed", "refused"}[t]
}

// age is what BIND 9.18 itself says of an option, or which release has brought it
// since.
type age uint8

const (
	current age = iota
	deprecated
	obsolete
	ancient // named no longer starts with it; 9.11 knew it
	since920
	since921
)

var ageNames = [...]string{"", "deprecated", "obsolete", "gone from BIND 9.18", "of BIND 9.20", "of BIND 9.21"}

// known reports whether BIND 9.18 starts with an option.
func (a age) known() bool { return a < ancient }

// option is one row of the table: an option in the places where it means the
// same.
type option struct {
	name      string
	in        place
	syntax    syntax
	treatment Treatment
	apply     setter // of an honoured option that sets something by itself
	why       string // of one that is not honoured
	exempt    string // the one value in normal form that needs none of this: it asks for what is done anyway
	ofZones   bool   // of a missed one: nobody notices without primary zones
	many      bool   // may stand more than once
	age       age
}

// setter carries a statement in normal form into the Config.
type setter func(*builder, namedconf.Statement)

func honoured(name string, in place, s syntax, apply setter) option {
	return option{name: name, in: in, syntax: s, apply: apply}
}

func ignored(name string, in place, s syntax, why string) option {
	return option{name: name, in: in, syntax: s, treatment: Ignored, why: why}
}

func missed(name string, in place, s syntax, why string) option {
	return option{name: name, in: in, syntax: s, treatment: Missed, why: why}
}

func refused(name string, in place, s syntax, why string) option {
	return option{name: name, in: in, syntax: s, treatment: Refused, why: why}
}

// checked has apply look at an option that is not honoured for its errors.
func (o option) checked(apply setter) option { o.apply = apply; return o }

func (o option) unless(value string) option { o.exempt = value; return o }
func (o option) withZones() option          { o.ofZones = true; return o }
func (o option) repeated() option           { o.many = true; return o }
func (o option) aged(a age) option          { o.age = a; return o }

// options returns the table. Within a place its order is that of
// named-checkconf -p.
func options() []option {
	return slices.Concat(viewOptions, topLevel, zoneOptions, global, shared, otherBlocks)
}

// optionIndex finds rows of the table by name.
type optionIndex map[string][]rankedOption

type rankedOption struct {
	option
	rank int
}

func newOptionIndex() optionIndex {
	index := make(optionIndex)
	for rank, o := range options() {
		index[o.name] = append(index[o.name], rankedOption{o, rank})
	}
	return index
}

// find returns the row of name in one of the places of in.
func (x optionIndex) find(name string, in place) (rankedOption, bool) {
	for _, o := range x[name] {
		if o.in&in != 0 {
			return o, true
		}
	}
	return rankedOption{}, false
}

// meant returns what a misspelt option may be: one of the block that it stands in,
// or else of another; "" if it is like none.
func (x optionIndex) meant(name string, in place) string {
	var here, all []string
	for _, o := range options() {
		all = append(all, o.name)
		if o.in&in != 0 {
			here = append(here, o.name)
		}
	}
	if _, ok := namedconf.Nearest(name, here); ok {
		return didYouMean(name, here)
	}
	if other, ok := namedconf.Nearest(name, all); ok {
		return "; did you mean '" + other + "', which belongs in " + x.places(other).String() + "?"
	}
	return ""
}

// didYouMean is a question after a message about an unknown name.
func didYouMean(name string, known []string) string {
	if other, ok := namedconf.Nearest(name, known); ok {
		return "; did you mean '" + other + "'?"
	}
	return ""
}

// places returns where name may stand at all.
func (x optionIndex) places(name string) (in place) {
	for _, o := range x[name] {
		in |= o.in
	}
	return in
}
