// Package rndcconf reads what rndc finds its servers and keys by: rndc.conf and rndc.key.
package rndcconf

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndc"
)

// File is where rndc looks for its configuration by itself.
const File = "/etc/rndc.conf"

// KeyFiles are where rndc looks for its key by itself: as named is built for
// Amazon Linux, and for Debian.
var KeyFiles = []string{"/etc/rndc.key", "/etc/bind/rndc.key"}

// KeyFile is the first of KeyFiles that is there, else the first.
func KeyFile() string {
	for _, path := range KeyFiles {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return KeyFiles[0]
}

// Conf is what rndc.conf or rndc.key says.
type Conf struct {
	Options  map[string]string     // nil if the file has no such statement
	Servers  map[string]Server     // by name in lower case
	FirstKey string                // by its name
	keys     map[string]config.Key // by CanonicalName

	// ControlKeys are the names in controls statements, by LoadKeys only.
	ControlKeys []string

	statements []namedconf.Statement
}

// Server is a server statement.
type Server struct {
	Options map[string]string
	Addrs   []string // an address or name each, perhaps with " port N"
}

var (
	confOptions   = []string{"default-server", "default-key", "default-port", "default-source-address", "default-source-address-v6"}
	serverOptions = []string{"key", "port", "source-address", "source-address-v6"}
)

// Load reads a configuration of rndc, or a key alone.
func Load(path string, keyOnly bool) (Conf, error) {
	conf, err := read(path)
	if err != nil {
		return conf, err
	}
	for _, s := range conf.statements {
		if err := conf.add(s, keyOnly); err != nil {
			return conf, fmt.Errorf("could not load rndc configuration: %w", err)
		}
	}
	return conf, nil
}

// read parses a file, whose statements are to be added.
func read(path string) (Conf, error) {
	conf := Conf{Servers: make(map[string]Server), keys: make(map[string]config.Key)}
	if f, err := os.Open(path); err != nil {
		return conf, fmt.Errorf("could not load rndc configuration: %w", err)
	} else {
		f.Close()
	}
	file := namedconf.Load(path, namedconf.Limits{Bytes: 1 << 20, Files: 100, Errors: 1})
	for _, found := range file.Findings {
		if found.Severity == namedconf.Error {
			return conf, fmt.Errorf("could not load rndc configuration: %s", found)
		}
	}
	conf.statements = file.Statements
	return conf, nil
}

// CanonicalName is a key's name as names are compared.
func CanonicalName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Key is the key of a name, in any case.
func (c *Conf) Key(name string) (*rndc.Key, error) {
	k, ok := c.keys[CanonicalName(name)]
	if !ok {
		return nil, fmt.Errorf("no key definition for name %s", name)
	}
	a, err := rndc.ParseAlgorithm(k.Algorithm)
	if err != nil {
		return nil, err
	}
	return rndc.NewKey(k.Name, a, k.Secret), nil
}

func (c *Conf) add(s namedconf.Statement, keyOnly bool) (err error) {
	switch name := s.Name(); {
	case name == "key":
		k, err := config.ParseKey(s)
		if err != nil {
			return err
		}
		c.keys[CanonicalName(k.Name)] = k
		c.FirstKey = cmp.Or(c.FirstKey, k.Name)
		return nil
	case name == "options" && !keyOnly && len(s.Items) == 2:
		c.Options, _, err = readBlock(s.Items[1].Body, confOptions)
		return err
	case name == "server" && !keyOnly && len(s.Items) == 3:
		var own Server
		own.Options, own.Addrs, err = readBlock(s.Items[2].Body, serverOptions)
		c.Servers[strings.ToLower(s.Items[1].Text)] = own
		return err
	}
	return fmt.Errorf("%v: unknown option '%s'", s.Pos(), s.Items[0])
}

// readBlock reads options of one value, and addresses.
func readBlock(body []namedconf.Statement, known []string) (options map[string]string, addrs []string, err error) {
	options = make(map[string]string)
	for _, s := range body {
		switch name := s.Name(); {
		case slices.Contains(known, name) && len(s.Items) == 2:
			options[name] = s.Items[1].Text
		case name == "addresses" && len(s.Items) == 2:
			for _, a := range s.Items[1].Body {
				addrs = append(addrs, joinItems(a.Items))
			}
		default:
			return nil, nil, fmt.Errorf("%v: unknown option '%s'", s.Pos(), s.Items[0])
		}
	}
	return options, addrs, nil
}

func joinItems(items []namedconf.Item) string {
	var words []string
	for _, it := range items {
		words = append(words, it.Text)
	}
	return strings.Join(words, " ")
}
