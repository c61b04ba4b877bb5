package rndc

import (
	"strconv"
	"strings"
)

// Result is the number with which a command ends: BIND 9.18's. Other versions
// have other numbers, so that rndc goes by the words alone.
type Result int

// The results that commands have, from BIND's isc/result.h.
const (
	Success          Result = 0
	TimedOut         Result = 2
	PermissionDenied Result = 6
	AlreadyExists    Result = 18
	NoSpace          Result = 19 // a name is too long
	ShuttingDown     Result = 22
	NotFound         Result = 23
	UnexpectedEnd    Result = 24 // too few arguments
	Failure          Result = 25
	NotImplemented   Result = 27
	UnexpectedToken  Result = 32
	FileNotFound     Result = 38
	OutOfRange       Result = 41 // an argument that is none of those
	BadNumber        Result = 56
	LabelTooLong     Result = 75
	BadEscape        Result = 76
	EmptyLabel       Result = 77
	Unknown          Result = 80 // a class or type
	Syntax           Result = 89
	NotLoaded        Result = 123
	UnknownCommand   Result = 172
	NotDynamic       Result = 181
)

var resultText = map[Result]string{
	Success:          "success",
	TimedOut:         "timed out",
	PermissionDenied: "permission denied",
	AlreadyExists:    "already exists",
	NoSpace:          "ran out of space",
	ShuttingDown:     "shutting down",
	NotFound:         "not found",
	UnexpectedEnd:    "unexpected end of input",
	Failure:          "failure",
	NotImplemented:   "not implemented",
	UnexpectedToken:  "unexpected token",
	FileNotFound:     "file not found",
	OutOfRange:       "out of range",
	BadNumber:        "not a valid number",
	LabelTooLong:     "label too long",
	BadEscape:        "bad escape",
	EmptyLabel:       "empty label",
	Unknown:          "unknown class/type",
	Syntax:           "syntax error",
	NotLoaded:        "zone not loaded",
	UnknownCommand:   "unknown command",
	NotDynamic:       "not dynamic",
}

// ids are BIND's names that are not ISC_R_ with the words behind it.
var ids = map[Result]string{
	PermissionDenied: "ISC_R_NOPERM",
	AlreadyExists:    "ISC_R_EXISTS",
	OutOfRange:       "ISC_R_RANGE",
	BadNumber:        "ISC_R_BADNUMBER",
	UnexpectedEnd:    "ISC_R_UNEXPECTEDEND",
	NoSpace:          "ISC_R_NOSPACE",
	LabelTooLong:     "DNS_R_LABELTOOLONG",
	BadEscape:        "DNS_R_BADESCAPE",
	EmptyLabel:       "DNS_R_EMPTYLABEL",
	Unknown:          "DNS_R_UNKNOWN",
	Syntax:           "DNS_R_SYNTAX",
	NotLoaded:        "DNS_R_NOTLOADED",
	UnknownCommand:   "DNS_R_UNKNOWNCOMMAND",
	NotDynamic:       "DNS_R_NOTDYNAMIC",
}

// ID returns BIND's name, as rndc -r prints it; NONE if it is not known here.
func (r Result) ID() string {
	switch id, text := ids[r], resultText[r]; {
	case id != "":
		return id
	case text != "":
		return "ISC_R_" + strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	}
	return "NONE"
}

// String returns BIND's words.
func (r Result) String() string {
	if s, ok := resultText[r]; ok {
		return s
	}
	return "result " + strconv.Itoa(int(r))
}

// Error is the failure of a command as rndc shows it: "rndc: 'CMD' failed: "
// with the words of the result, then the text, if any, on a line of its own.
type Error struct {
	Result Result
	Text   string
}

// Error returns the words of the result, and the text behind them.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Result.String()
	}
	return e.Result.String() + ": " + e.Text
}

// With returns the failure with a text for people; "" is none.
func (r Result) With(text string) *Error { return &Error{Result: r, Text: text} }

// Is makes errors.Is(err, rndc.NotFound.With("")) true whatever the text.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Result == e.Result
}
