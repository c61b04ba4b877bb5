package namedconf

// MatchList is the syntax of an address match list.
type MatchList struct{}

func (MatchList) String() string { return "{ match; … }" }

func (MatchList) Starts(it Item) bool { return it.Kind == Block }

func (MatchList) Read(r *Reader) error { return ListOf(matchElement{}).Read(r) }

// matchElement is one element: [!] (address | prefix | key NAME | acl | { … }).
type matchElement struct{}

func (matchElement) String() string { return "match" }

func (matchElement) Starts(Item) bool { return true }

func (matchElement) Read(r *Reader) error {
	if bang, ok := r.next(Bang); ok {
		r.put(bang, bang.Text)
	}
	if r.done() {
		return r.expected("address match element")
	}
	it := r.in[0]
	switch {
	case it.Kind == Block:
		return MatchList{}.Read(r)
	case Prefix.Starts(it):
		return Prefix.Read(r)
	case Keyword("key").Starts(it):
		return Sequence{Keyword("key"), Name}.Read(r)
	case Keyword("geoip").Starts(it):
		return r.Errorf("geoip is not supported: list the prefixes")
	}
	return Name.Read(r)
}
