package config

import (
	"strings"

	"vpcdns/forwarder/namedconf"
)

// validation is what makes named validate answers.
type validation struct {
	mode    namedconf.Item // of dnssec-validation; with no text: missing
	off     bool           // dnssec-enable no, of BIND 9.11
	anchors bool
}

func (b *builder) setValidation(s namedconf.Statement) { b.validation.mode = s.Items[1] }

func (b *builder) setDNSSEC(s namedconf.Statement) {
	switch strings.ToLower(value(s, 1)) {
	case "no", "false", "0":
		b.validation.off = true
	}
}

func (b *builder) trustAnchors(namedconf.Statement) { b.validation.anchors = true }

// warnValidation tells whether named validates what is not validated here.
// Missing, its option is auto since BIND 9.13; yes needs trust anchors.
func (b *builder) warnValidation() {
	const ends = "bogus answers are passed on, and AD is not set"
	v := &b.validation
	mode := strings.ToLower(v.mode.Text)
	switch {
	case mode == "no" || b.broken:
	case v.off || !b.cfg.Recursion || mode == "yes" && !v.anchors:
		if mode != "" {
			b.harmlessf(v.mode.Pos, "option 'dnssec-validation' is ignored: named does not validate with this file either")
		}
	case mode != "":
		b.changef(v.mode.Pos, "dnssec-validation %s: answers are not validated: %s; say dnssec-validation no", mode, ends)
	case len(b.global.servers) > 0 || b.forwarded.count > 0:
		b.changef(b.optionsPos, "answers are not validated, which BIND 9.18 does without 'dnssec-validation': %s; say dnssec-validation no", ends)
	}
}
