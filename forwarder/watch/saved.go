package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// What a state lists: three octets of JSON may be half a kilobyte here, so that what is
// too long is refused while it is read.
type (
	savedNames     []savedName
	savedSets      []savedSet
	savedList      []savedData
	savedOverrides []savedOverride
	savedHoldings  []savedHolding
	savedEnds      []savedGone
	savedHistory   []Change
)

func (l *savedNames) UnmarshalJSON(b []byte) error { return readList(b, l, maxNames, "names") }

func (l *savedSets) UnmarshalJSON(b []byte) error { return readList(b, l, 2*maxSets, "types") }

func (l *savedList) UnmarshalJSON(b []byte) error { return readList(b, l, maxRefused, "earlier data") }

func (l *savedOverrides) UnmarshalJSON(b []byte) error {
	return readList(b, l, maxUnder, "overrides of one type")
}

func (l *savedHoldings) UnmarshalJSON(b []byte) error {
	return readList(b, l, maxHoldings+1, "entries of the ledger")
}

func (l *savedEnds) UnmarshalJSON(b []byte) error { return readList(b, l, maxTombstones, "ends") }

func (l *savedHistory) UnmarshalJSON(b []byte) error { return readList(b, l, maxHistory, "changes") }

// readList reads a JSON array of at most so many.
func readList[L ~[]T, T any](b []byte, list *L, most int, what string) error {
	d := json.NewDecoder(bytes.NewReader(b))
	switch begin, err := d.Token(); {
	case err != nil:
		return err
	case begin == nil: // null
		return nil
	case begin != json.Delim('['):
		return fmt.Errorf("%.20q is no list of %s", b, what)
	}
	for d.More() {
		if len(*list) == most {
			return fmt.Errorf("more than %d %s", most, what)
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		*list = append(*list, v)
	}
	return nil
}
