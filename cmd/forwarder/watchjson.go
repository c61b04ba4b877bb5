package main

import (
	"encoding/json"
	"fmt"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

// boundedJSON writes a document that fits into a reply, or fails.
func boundedJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing JSON: %w", err)
	}
	if len(text) > maxShownText {
		return "", rndc.NoSpace.With(fmt.Sprintf("%d octets of JSON have no room in a reply: ask for less", len(text)))
	}
	return string(text), nil
}

// statusJSON leaves the oldest of the history out of what would not fit.
func statusJSON(st watch.Status) (string, error) {
	text, err := boundedJSON(st)
	for err != nil && len(st.History) > 0 {
		st.History = st.History[len(st.History)/2+1:]
		text, err = boundedJSON(st)
	}
	return text, err
}

// changesJSON leaves out the oldest of those that would not fit.
func changesJSON(list []watch.Change) (string, error) {
	text, err := boundedJSON(list)
	for err != nil && len(list) > 0 {
		list = list[len(list)/2+1:]
		text, err = boundedJSON(list)
	}
	return text, err
}
