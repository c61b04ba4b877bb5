package config

import (
	"encoding/base64"
	"fmt"
	"strings"

	"vpcdns/forwarder/namedconf"
)

var keyAlgorithms = map[string]int{ // bits
	"hmac-md5": 128, "hmac-md5.sig-alg.reg.int": 128, "hmac-sha1": 160, "hmac-sha224": 224,
	"hmac-sha256": 256, "hmac-sha384": 384, "hmac-sha512": 512,
}

// defineKey checks a key statement and notes it by its name. Those of a view are
// not for controls.
func (b *builder) defineKey(s namedconf.Statement, outside bool) {
	key := Key{Name: s.Items[1].Text}
	it := s.Items[1]
	name, ok := canonicalName(it.Text)
	if !ok {
		b.errorf(it.Pos, "key '%s': bad key name", it)
	}
	if _, ok := b.keys[name]; ok {
		b.errorf(it.Pos, "key '%s': already exists", it)
	}
	var algorithm, secret bool
	for _, o := range s.Items[2].Body {
		switch v := o.Items[1]; o.Name() {
		case "algorithm":
			algorithm = true
			key.Algorithm = b.keyAlgorithm(it, v)
		case "secret":
			secret = true
			key.Secret = b.keySecret(v)
		}
	}
	if !b.broken && (!algorithm || !secret) {
		b.errorf(it.Pos, "key '%s' must have both 'secret' and 'algorithm' defined", it)
	}
	if !outside {
		key = Key{}
	}
	b.keys[name] = key
}

// keyAlgorithm checks an algorithm, which BIND lets be cut to so many bits:
// hmac-sha256-128. Control channels take the whole.
func (b *builder) keyAlgorithm(key, v namedconf.Item) (name string) {
	name = strings.ToLower(v.Text)
	bits, known := keyAlgorithms[name]
	if known {
		return strings.TrimSuffix(name, ".sig-alg.reg.int")
	}
	digits := ""
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name, digits = name[:i], name[i+1:]
		bits, known = keyAlgorithms[name]
	}
	cut, ok := namedconf.ParseDecimal(digits)
	switch {
	case !known || !ok:
		b.errorf(v.Pos, "unknown algorithm '%s'", v)
	case cut > uint64(bits):
		b.errorf(v.Pos, "key '%s' digest-bits too large", key)
	case cut%8 != 0:
		b.errorf(v.Pos, "key '%s' digest-bits not multiple of 8", key)
	case cut < uint64(bits/2): // RFC 8945, 5.2.2.1
		b.harmlessf(v.Pos, "key '%s' digest-bits too small [<%d]", key, bits/2)
	}
	return name
}

func (b *builder) keySecret(v namedconf.Item) []byte {
	secret, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(v.Text), ""))
	if err != nil {
		b.errorf(v.Pos, "bad secret: bad base64 encoding")
	}
	return secret
}

// ParseKey reads a key statement of any file: named.conf, rndc.conf, rndc.key.
// The error has a line for each thing that is wrong.
func ParseKey(s namedconf.Statement) (Key, error) {
	c := newChecker()
	b := newBuilder(c, 0)
	for _, s := range c.block([]namedconf.Statement{s}, inTop) {
		b.defineKey(s, true)
	}
	for _, key := range b.keys {
		return key, errorsOf(c.findings)
	}
	return Key{}, errorsOf(c.findings)
}

// LoadKey reads a file that holds one key and nothing else, as rndc.key does.
func LoadKey(path string) (Key, error) {
	file := namedconf.Load(path, namedconf.Limits{Bytes: 64 << 10, Files: 8, Errors: 1})
	if err := errorsOf(file.Findings); err != nil {
		return Key{}, err
	}
	if len(file.Statements) != 1 || file.Statements[0].Name() != "key" {
		return Key{}, fmt.Errorf("%s: one key statement expected", path)
	}
	return ParseKey(file.Statements[0])
}
