package forwarder

import "vpcdns/forwarder/namedconf"

// matchList is the syntax of an address match list.
type matchList struct{}

func (matchList) String() string { return "{ match; … }" }

func (matchList) starts(it namedconf.Item) bool { return it.Kind == namedconf.Block }

func (matchList) read(r *itemReader) error { return listOf{matchElement{}}.read(r) }

// matchElement is one element: [!] (address | prefix | key NAME | acl | { … }).
type matchElement struct{}

func (matchElement) String() string { return "match" }

func (matchElement) starts(namedconf.Item) bool { return true }

func (matchElement) read(r *itemReader) error {
	if bang, ok := r.next(namedconf.Bang); ok {
		r.put(bang, bang.Text)
	}
	if r.done() {
		return r.expected("address match element")
	}
	it := r.in[0]
	switch {
	case it.Kind == namedconf.Block:
		return matchList{}.read(r)
	case aPrefix.starts(it):
		return aPrefix.read(r)
	case keyword("key").starts(it):
		return sequence{keyword("key"), aName}.read(r)
	case keyword("geoip").starts(it):
		return r.complain("geoip is not supported: list the prefixes")
	}
	return aName.read(r)
}
