package control

import (
	"fmt"
	"os"
	"strings"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// Keys are those of a file, for servers by their names.
type Keys struct {
	path string
	conf rndcconf.Conf
}

// LoadKeys reads rndc.key, rndc.conf or named.conf. "" is where rndc looks by itself.
func LoadKeys(path string) (Keys, error) {
	if path == "" {
		if path = rndcconf.File; !exists(path) {
			path = rndcconf.KeyFile()
		}
		if !exists(path) {
			return Keys{}, fmt.Errorf("there is no %s and no %s", rndcconf.File, path)
		}
	}
	conf, err := rndcconf.LoadKeys(path)
	return Keys{path, conf}, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// For is the key of a server: that of its server statement, the default, that of
// controls, or the only one.
func (k Keys) For(host string) (*rndc.Key, error) {
	own := k.conf.Servers[strings.ToLower(host)].Options["key"]
	for _, name := range append([]string{own, k.conf.Options["default-key"]}, k.conf.ControlKeys...) {
		if name != "" {
			return k.key(name)
		}
	}
	switch names := k.conf.KeyNames(); len(names) {
	case 0:
		return nil, fmt.Errorf("%s has no key", k.path)
	case 1:
		return k.key(names[0])
	default:
		return nil, fmt.Errorf("%s has the keys %s, and does not say which is for %s: give a file with one", k.path, strings.Join(names, ", "), host)
	}
}

func (k Keys) key(name string) (*rndc.Key, error) {
	key, err := k.conf.Key(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.path, err)
	}
	return key, nil
}
