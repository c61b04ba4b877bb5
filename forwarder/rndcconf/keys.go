package rndcconf

import (
	"fmt"
	"maps"
	"slices"

	"vpcdns/forwarder/namedconf"
)

// LoadKeys reads the keys of any file that has some, and which are whose: rndc.key,
// rndc.conf, or a named.conf, of which all else is left aside.
func LoadKeys(path string) (Conf, error) {
	conf, err := read(path)
	if err != nil {
		return conf, err
	}
	for _, s := range conf.statements {
		switch name := s.Name(); {
		case name == "controls":
			conf.addControls(s)
		case name == "key", name == "server" && isRndc(s), name == "options" && isRndc(s):
			if err := conf.add(s, false); err != nil {
				return conf, fmt.Errorf("could not load keys: %w", err)
			}
		}
	}
	return conf, nil
}

// isRndc tells a statement of rndc.conf from one of the same name of named.conf: all
// that it has is known.
func isRndc(s namedconf.Statement) bool {
	known := confOptions
	if s.Name() == "server" {
		known = append(slices.Clone(serverOptions), "addresses")
	}
	return !slices.ContainsFunc(s.Items[len(s.Items)-1].Body, func(o namedconf.Statement) bool { return !slices.Contains(known, o.Name()) })
}

// addControls notes the keys of a controls statement: inet ... keys { ... };
func (c *Conf) addControls(s namedconf.Statement) {
	for _, channel := range s.Items[len(s.Items)-1].Body {
		for i, it := range channel.Items[:max(0, len(channel.Items)-1)] {
			if it.Text == "keys" {
				for _, key := range channel.Items[i+1].Body {
					c.ControlKeys = append(c.ControlKeys, joinItems(key.Items))
				}
			}
		}
	}
}

// KeyNames are the names of all keys, sorted.
func (c *Conf) KeyNames() []string { return slices.Sorted(maps.Keys(c.keys)) }
