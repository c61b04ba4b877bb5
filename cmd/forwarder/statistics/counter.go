package statistics

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// counter is a number with BIND's name for it.
type counter struct {
	Name string `xml:"name,attr"`
	N    uint64 `xml:",chardata"`
}

// counters are written as a JSON object in their order.
type counters []counter

// MarshalJSON writes an object.
func (c counters) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range c {
		b.WriteByte("{,"[min(i, 1)])
		name, err := json.Marshal(one.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.WriteString(strconv.FormatUint(one.N, 10))
	}
	if len(c) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// some leaves out what is 0, as BIND does in most of its JSON.
func (c counters) some() counters {
	list := make(counters, 0, len(c))
	for _, one := range c {
		if one.N > 0 {
			list = append(list, one)
		}
	}
	return list
}

// named gives each name what is known of it, else 0.
func named(names []string, known map[string]uint64) counters {
	list := make(counters, len(names))
	for i, name := range names {
		list[i] = counter{name, known[name]}
	}
	return list
}
