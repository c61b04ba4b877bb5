package watch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// RR is a record as miekg/dns has it.
type RR = dns.RR

const typeANY = wire.TypeANY

var (
	// ErrBadName is about what is no domain name.
	ErrBadName = errors.New("no domain name")
	// ErrTooMany is about names beyond those that have room.
	ErrTooMany = fmt.Errorf("%d names are watched or overridden already, which is the most", maxNames)
	// ErrNone is about what is not there.
	ErrNone = errors.New("there is none")
)

// none is an ErrNone that says itself what is not there.
type none string

func (n none) Error() string        { return string(n) }
func (n none) Is(target error) bool { return target == ErrNone }

// parseName returns the wire form of a name, in lower case.
func parseName(name string) (string, error) {
	w := wire.PackName(name)
	if _, ok := dns.IsDomainName(name); name == "" || !ok || w == "" {
		return "", fmt.Errorf("%q: %w", name, ErrBadName)
	}
	if len(w) == 1 {
		return "", fmt.Errorf("the root: %w that fails over", ErrBadName)
	}
	return w, nil
}

// cutPattern returns the zone of "*.zone".
func cutPattern(name string) (zone string, ok bool) { return strings.CutPrefix(name, "*.") }

// text is a wire name for people: no final dot.
func text(name string) string {
	return strings.TrimSuffix(wire.NameText([]byte(name)), ".")
}

func typeText(rtype uint16) string { return dns.Type(rtype).String() }

// parent cuts a name's first label off; name is not the root.
func parent[T string | []byte](name T) T { return name[1+name[0]:] }
