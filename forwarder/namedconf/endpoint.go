package namedconf

import "strings"

// Endpoint is an address, then perhaps `port N`. Port 0 and `port *` are the
// same as none.
type Endpoint struct {
	V4, V6  bool     // which families
	AnyAddr bool     // `*` is an address too
	AnyPort bool     // `*` is a port too
	NoPort  bool     // no port follows the address
	More    AnyOrder // what else may follow it
}

func (e Endpoint) String() string {
	return strings.TrimSpace(e.family() + " " + e.rest().String())
}

func (e Endpoint) family() string {
	s := "address"
	if !e.V6 {
		s = "IPv4 address"
	} else if !e.V4 {
		s = "IPv6 address"
	}
	if e.AnyAddr {
		return "(" + s + " | *)"
	}
	return s
}

func (e Endpoint) Starts(it Item) bool {
	_, ok := e.address(it)
	return ok
}

// address returns the normal form of an address of the right family.
func (e Endpoint) address(it Item) (string, bool) {
	switch {
	case it.Kind != Word:
		return "", false
	case it.Text == "*" && e.AnyAddr && e.V4:
		return "0.0.0.0", true
	case it.Text == "*" && e.AnyAddr:
		return "::", true
	}
	a, ok := parseAddress(it.Text)
	return a.String(), ok && (e.V4 && a.Is4() || e.V6 && a.Is6())
}

func (e Endpoint) Read(r *Reader) error {
	if err := e.readAddress(r); err != nil {
		return err
	}
	return e.rest().Read(r)
}

func (e Endpoint) readAddress(r *Reader) error {
	if r.done() || !e.Starts(r.in[0]) {
		return r.expected(e.family())
	}
	it, _ := r.next(Word)
	text, _ := e.address(it)
	r.put(it, text)
	return nil
}

// rest is what may follow the address.
func (e Endpoint) rest() AnyOrder {
	if e.NoPort {
		return e.More
	}
	return append(AnyOrder{{endpointPort{e.AnyPort}}}, e.More...)
}

// endpointPort is `port N`, which says nothing if N is 0.
type endpointPort struct{ any bool }

func (endpointPort) String() string { return "port number" }

func (endpointPort) Starts(it Item) bool { return Keyword("port").Starts(it) }

func (p endpointPort) Read(r *Reader) error {
	word, _ := r.next(Word)
	if !r.done() && p.any && Keyword("*").Starts(r.in[0]) {
		r.next(Word)
		return nil
	}
	if r.done() || !Port.Starts(r.in[0]) {
		return r.expected("port number (0 to 65535)")
	}
	n, _ := r.next(Word)
	if text, _ := Port.normal(n.Text); text != "0" {
		r.put(word, "port")
		r.put(n, text)
	}
	return nil
}

// QuerySource is the source address of queries: an address, or `address A` and
// `port N` in any order.
type QuerySource struct {
	V6   bool     // IPv4 without
	None bool     // `none` is an address too: nothing is asked over this family
	More AnyOrder // what may stand beside address and port
}

func (q QuerySource) String() string {
	return strings.TrimSpace("[address] " + q.addr().String() + " [port number] " + q.More.String())
}

// addr is the syntax of the address.
func (q QuerySource) addr() Syntax {
	address := Endpoint{V4: !q.V6, V6: q.V6, AnyAddr: true, NoPort: true}
	if !q.None {
		return address
	}
	return Choice{address, Keyword("none")}
}

// labelled is the form with `address`.
func (q QuerySource) labelled() AnyOrder {
	return append(AnyOrder{{Keyword("address"), q.addr()}, {Keyword("port"), Choice{Keyword("*"), Port}}}, q.More...)
}

func (q QuerySource) Starts(it Item) bool { return q.labelled().Starts(it) || q.addr().Starts(it) }

func (q QuerySource) Read(r *Reader) error {
	labelled, before := q.labelled(), len(r.out)
	if r.done() || !labelled.Starts(r.in[0]) {
		err := Sequence{q.addr(), labelled[1:]}.Read(r)
		q.dropRest(r, before)
		return err
	}
	first := r.in[0]
	if err := labelled.Read(r); err != nil {
		return err
	}
	if !(Words{"address", "port"}).Starts(r.out[before]) {
		return &SyntaxError{first.Pos, "expected an address or a port beside '" + first.String() + "'"}
	}
	if !q.dropRest(r, before) {
		r.out = append(r.out[:before], q.normal(first, r.out[before:])...)
	}
	return nil
}

// dropRest leaves nothing but the `none` of what was read from there on, if it is
// there.
func (q QuerySource) dropRest(r *Reader, from int) bool {
	for _, it := range r.out[from:] {
		if it.Text == "none" {
			r.out = append(r.out[:from], it)
			return true
		}
	}
	return false
}

// normal is `address A port N`, with `*` or 0 for what is missing, and the rest.
func (q QuerySource) normal(at Item, parts []Item) []Item {
	texts := []string{"address", "0.0.0.0", "port", "0"}
	if q.V6 {
		texts[1] = "::"
	}
	for ; len(parts) > 0 && (Words{"address", "port"}).Starts(parts[0]); parts = parts[2:] {
		switch {
		case parts[0].Text == "address":
			texts[1] = parts[1].Text
		case parts[1].Text != "*":
			texts[3] = parts[1].Text
		}
	}
	items := make([]Item, len(texts))
	for i, t := range texts {
		items[i] = Item{Text: t, Pos: at.Pos}
	}
	return append(items, parts...)
}
