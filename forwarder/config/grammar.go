package config

import "vpcdns/forwarder/namedconf"

// The grammar of namedconf in the few letters that a table of hundreds of rows
// leaves for it.
type (
	syntax      = namedconf.Syntax
	keyword     = namedconf.Keyword
	words       = namedconf.Words
	sequence    = namedconf.Sequence
	optional    = namedconf.Optional
	choice      = namedconf.Choice
	anyOrder    = namedconf.AnyOrder
	anything    = namedconf.Anything
	nothing     = namedconf.Nothing
	endpoint    = namedconf.Endpoint
	querySource = namedconf.QuerySource
	debugLevel  = namedconf.DebugLevel
	matchList   = namedconf.MatchList
)

const (
	aBoolean    = namedconf.Boolean
	aNumber     = namedconf.Number
	aFixedPoint = namedconf.FixedPoint
	aSize       = namedconf.Size
	aPercentage = namedconf.Percentage
	aDuration   = namedconf.Duration
	aName       = namedconf.Name
	aString     = namedconf.QuotedString
	aWord       = namedconf.PlainWord
	aPrefix     = namedconf.Prefix
)

func listOf(element syntax) syntax { return namedconf.ListOf(element) }

// ignoring is a part that may stand there, and does nothing.
func ignoring(part sequence, why string) optional {
	return optional{namedconf.Noted{Part: part, Severity: namedconf.Harmless, Why: why}}
}

// refusing is a part that may stand there only as the value given.
func refusing(part sequence, except, why string) optional {
	return optional{namedconf.Noted{Part: part, Severity: namedconf.Error, Why: why, Except: except}}
}

// clauses is the syntax of a block that holds the options of a place.
func clauses(in place) syntax { return namedconf.Clauses(in) }
