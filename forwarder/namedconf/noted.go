package namedconf

// Noted is a part of an option, of which the Checker has something to say
// wherever it stands.
type Noted struct {
	Part     Syntax
	Severity Severity
	Why      string
	Except   string // of this value there is nothing to say
}

func (n Noted) String() string { return n.Part.String() }

func (n Noted) Starts(it Item) bool { return n.Part.Starts(it) }

func (n Noted) Read(r *Reader) error {
	from := len(r.out)
	if err := n.Part.Read(r); err != nil {
		return err
	}
	r.checker.Noted(n, r.out[from:])
	return nil
}
