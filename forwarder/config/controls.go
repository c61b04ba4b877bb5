package config

import (
	"encoding/base64"
	"strings"

	"vpcdns/forwarder/namedconf"
)

var keyAlgorithms = map[string]int{ // bits
	"hmac-md5": 128, "hmac-md5.sig-alg.reg.int": 128, "hmac-sha1": 160, "hmac-sha224": 224,
	"hmac-sha256": 256, "hmac-sha384": 384, "hmac-sha512": 512,
}

// defineKey checks a key statement and notes its name. Those of a view are not
// for controls.
func (b *builder) defineKey(s namedconf.Statement, outside bool) {
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
			b.keyAlgorithm(it, v)
		case "secret":
			secret = true
			b.keySecret(v)
		}
	}
	if !b.broken && (!algorithm || !secret) {
		b.errorf(it.Pos, "key '%s' must have both 'secret' and 'algorithm' defined", it)
	}
	b.keys[name] = outside
}

// keyAlgorithm checks an algorithm, which BIND lets be cut to so many bits:
// hmac-sha256-128.
func (b *builder) keyAlgorithm(key, v namedconf.Item) {
	name := strings.ToLower(v.Text)
	bits, known := keyAlgorithms[name]
	if known {
		return
	}
	i := strings.LastIndexByte(name, '-')
	if i > 0 {
		bits, known = keyAlgorithms[name[:i]]
	}
	cut, ok := uint64(0), false
	if known {
		cut, ok = namedconf.ParseDecimal(name[i+1:])
	}
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
}

func (b *builder) keySecret(v namedconf.Item) {
	if _, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.Text), "")); err != nil {
		b.errorf(v.Pos, "bad secret: bad base64 encoding")
	}
}

// controls checks a controls statement.
func (b *builder) controls(s namedconf.Statement) { b.run(s.Items[1].Body, inControls) }

// control checks `inet A [port N] allow { … } [keys { … }] [read-only B]`.
func (b *builder) control(s namedconf.Statement) {
	for i, it := range s.Items[:len(s.Items)-1] {
		switch body := s.Items[i+1].Body; {
		case it.Kind != namedconf.Word:
		case it.Text == "allow":
			b.list(body)
		case it.Text == "keys":
			b.controlKeys(body)
		}
	}
}

func (b *builder) controlKeys(body []namedconf.Statement) {
	for _, s := range body {
		if name, _ := canonicalName(s.Items[0].Text); !b.keys[name] && !b.broken {
			b.errorf(s.Pos(), "unknown key '%s'", s.Items[0])
		}
	}
}
