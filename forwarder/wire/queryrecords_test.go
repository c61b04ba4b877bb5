package wire

import (
	"slices"
	"testing"
)

// inClass is a question of another class than IN.
func inClass(class uint16) []byte {
	q := slices.Clone(asked)
	q[len(q)-2], q[len(q)-1] = byte(class>>8), byte(class)
	return q
}

// sigData is the data of a SIG that covers a type, 0 for a whole message.
func sigData(covers byte, signature ...byte) []byte {
	data := append([]byte{0, covers}, make([]byte, 16)...)
	return append(append(data, nameOf("key")...), signature...)
}

func sig(owner []byte, class uint16, data ...byte) []byte {
	return recordOf(owner, typeSIG, class, 0, data...)
}

// tkeyData is the data of a TKEY without a key.
func tkeyData() []byte { return append(nameOf("gss-tsig"), make([]byte, 16)...) }

// BIND 9.18 ignores a SIG(0), but only where one may stand (RFC 2931, 3), and
// any other SIG.
func TestSIG0(t *testing.T) {
	sig0 := sig(root, ClassANY, sigData(0, 1)...)
	three := [4]uint16{1, 0, 0, 2}
	for _, tt := range []struct {
		name string
		msg  []byte
		want Fault
	}{
		{"alone", message(RD, oneExtra, asked, sig0), Sound},
		{"behind the OPT", message(RD, three, asked, opt(0), sig0), Sound},
		{"of class 0", message(RD, oneExtra, asked, sig(root, 0, sigData(0, 1)...)), Sound},
		{"of class IN", message(RD, oneExtra, asked, sig(root, ClassIN, sigData(0, 1)...)), Sound},
		{"of NOTIFY", message(OpcodeNotify<<11, oneExtra, asked, sig0), NoQuery},
		{"in EDNS 1", message(RD, three, asked, opt(1<<16), sig0), BadVersion},
		{"before the OPT", message(RD, three, asked, sig0, opt(0)), BadSIG0},
		{"twice", message(RD, three, asked, sig0, sig0), BadSIG0},
		{"before TSIG", message(RD, three, asked, sig0, tsig(ClassANY)), BadSIG0},
		{"as answer", message(RD, [4]uint16{1, 1}, asked, sig0), BadSIG0},
		{"as authority", message(RD, [4]uint16{1, 0, 1}, asked, sig0), BadSIG0},
		{"of a name", message(RD, oneExtra, asked, sig(nameOf("key"), ClassANY, sigData(0, 1)...)), BadSIG0},
		{"of UPDATE, as prerequisite", message(OpcodeUpdate<<11, [4]uint16{1, 1}, asked, sig(root, ClassIN, sigData(0, 1)...)), BadSIG0},
		{"without data", message(RD, oneExtra, asked, sig(root, ClassANY)), BadRecord},
		{"of one octet, at the end", message(RD, oneExtra, asked, sig(root, ClassANY, 0)), BadRecord},
		{"cut in its fields", message(RD, oneExtra, asked, sig(root, ClassANY, sigData(0)[:17]...)), BadRecord},
		{"cut in its signer", message(RD, oneExtra, asked, sig(root, ClassANY, sigData(0)[:20]...)), BadRecord},
		{"without signature", message(RD, oneExtra, asked, sig(root, ClassANY, sigData(0)...)), BadRecord},
		{"that covers A", message(RD, oneExtra, asked, sig(root, ClassIN, sigData(TypeA, 1)...)), Sound},
		{"that covers A, twice", message(RD, three, asked, sig(root, ClassIN, sigData(TypeA, 1)...), sig(root, ClassIN, sigData(TypeA, 1)...)), Sound},
		{"that covers A, of class ANY", message(RD, oneExtra, asked, sig(root, ClassANY, sigData(TypeA, 1)...)), BadRecord},
		{"that covers A, of UPDATE", message(OpcodeUpdate<<11, oneExtra, asked, sig(root, ClassANY, sigData(TypeA, 1)...)), BadRecord},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := new(Query).Parse(tt.msg); got != tt.want {
				t.Errorf("Parse(%x) = %d, want %d", tt.msg, got, tt.want)
			}
		})
	}
}

// A TSIG or TKEY that is cut, or longer than it says, is malformed.
func TestSignatureLengths(t *testing.T) {
	other := []byte{0, 3, 'o', 't', 'h'}
	for _, tt := range []struct {
		name  string
		rtype uint16
		data  []byte
		want  Fault
	}{
		{"TSIG", TypeTSIG, append(append(nameOf("hmac-sha256"), 0, 0, 1, 2, 3, 4, 1, 44, 0, 2, 'm', 'c', 0, 7, 0, 0), other...), Signed},
		{"TKEY", TypeTKEY, append(append(nameOf("gss-tsig"), 0, 0, 0, 1, 0, 0, 0, 2, 0, 3, 0, 0, 0, 2, 'k', 'y'), other...), Sound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parse := func(data []byte) Fault {
				return new(Query).Parse(message(RD, oneExtra, asked, recordOf(nameOf("key"), tt.rtype, ClassANY, 0, data...)))
			}
			if got := parse(tt.data); got != tt.want {
				t.Errorf("Parse of a whole one = %d, want %d", got, tt.want)
			}
			for n := range tt.data {
				if got := parse(tt.data[:n]); got != BadRecord {
					t.Errorf("Parse of %d octets of it = %d, want BadRecord", n, got)
				}
			}
			if got := parse(append(tt.data, 0)); got != BadRecord {
				t.Errorf("Parse of one with an octet behind it = %d, want BadRecord", got)
			}
		})
	}
}

// The records behind a question are held to its class, those of an UPDATE to its
// rules (RFC 2136, 2.4 and 2.5).
func TestRecordsBehindQuestion(t *testing.T) {
	address := []byte{192, 0, 2, 1}
	in := func(rtype, class uint16, data ...byte) []byte { return recordOf(nameOf("a"), rtype, class, 0, data...) }
	asAnswer, asAuthority := [4]uint16{1, 1}, [4]uint16{1, 0, 1}
	const update = OpcodeUpdate << 11
	for _, tt := range []struct {
		name string
		msg  []byte
		want Fault
	}{
		{"address", message(RD, asAuthority, asked, in(TypeA, ClassIN, address...)), Sound},
		{"half an address", message(RD, asAuthority, asked, in(TypeA, ClassIN, 192, 0)), BadRecord},
		{"another class", message(RD, asAuthority, asked, in(TypeA, ClassCH, address...)), BadRecord},
		{"CHAOS", message(RD, asAuthority, inClass(ClassCH), in(TypeA, ClassCH, 1, 'a', 0, 0, 1)), Sound},
		{"CHAOS, cut", message(RD, asAuthority, inClass(ClassCH), in(TypeA, ClassCH, 1, 'a', 0, 0)), BadRecord},
		{"HESIOD", message(RD, asAuthority, inClass(ClassHS), in(TypeA, ClassHS, address...)), Sound},
		{"HESIOD, cut", message(RD, asAuthority, inClass(ClassHS), in(TypeA, ClassHS, 192)), BadRecord},
		{"AAAA of HESIOD", message(RD, asAuthority, inClass(ClassHS), in(TypeAAAA, ClassHS, 1)), Sound},
		{"name cut in CHAOS", message(RD, asAuthority, inClass(ClassCH), in(TypeNS, ClassCH, 1)), BadRecord},
		{"question of any class", message(RD, asAuthority, inClass(ClassANY), in(TypeA, ClassIN, address...)), Sound},
		{"type 0", message(RD, asAnswer, asked, in(0, ClassIN)), BadRecord},
		{"type AXFR", message(RD, asAnswer, asked, in(TypeAXFR, ClassIN)), BadRecord},
		{"type ANY", message(RD, asAnswer, asked, in(TypeANY, ClassIN)), BadRecord},
		{"TKEY as answer", message(RD, asAnswer, asked, in(TypeTKEY, ClassANY, tkeyData()...)), Sound},
		{"TKEY as authority", message(RD, asAuthority, asked, in(TypeTKEY, ClassANY, tkeyData()...)), BadRecord},
		{"RRSIG", message(RD, asAnswer, asked, in(TypeRRSIG, ClassIN, sigData(TypeA, 1)...)), BadRecord},

		{"name in use", message(update, asAnswer, asked, in(TypeANY, ClassANY)), NoQuery},
		{"name not in use", message(update, asAnswer, asked, in(TypeANY, ClassNONE)), NoQuery},
		{"not in use, with data", message(update, asAnswer, asked, in(TypeA, ClassNONE, address...)), BadRecord},
		{"set with a value", message(update, asAnswer, asked, in(TypeA, ClassIN, address...)), NoQuery},
		{"delete a set", message(update, asAuthority, asked, in(TypeA, ClassANY)), NoQuery},
		{"delete a set, with data", message(update, asAuthority, asked, in(TypeA, ClassANY, address...)), BadRecord},
		{"delete a record", message(update, asAuthority, asked, in(TypeA, ClassNONE, address...)), NoQuery},
		{"delete half a record", message(update, asAuthority, asked, in(TypeA, ClassNONE, 192)), BadRecord},
		{"add half a record", message(update, asAuthority, asked, in(TypeA, ClassIN, 192)), BadRecord},
		{"add in another class", message(update, asAuthority, asked, in(TypeA, ClassHS, address...)), NoQuery},
		{"of class NONE, additional", message(update, oneExtra, asked, in(TypeA, ClassNONE, 192)), NoQuery},
		{"of type 0", message(update, asAuthority, asked, in(0, ClassIN, 192)), BadRecord},
		{"of class ANY, additional", message(update, oneExtra, asked, in(TypeNS, ClassANY, 0)), NoQuery},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := new(Query).Parse(tt.msg); got != tt.want {
				t.Errorf("Parse(%x) = %d, want %d", tt.msg, got, tt.want)
			}
		})
	}
}

// Without a question, the first record that can says which class is meant.
func TestClassWithoutQuestion(t *testing.T) {
	a := record(root, TypeA, 0, 1, 2, 3, 4)
	for _, tt := range []struct {
		name string
		msg  []byte
		want uint16
	}{
		{"nothing", message(RD, [4]uint16{}), 0},
		{"OPT", message(RD, [4]uint16{0, 0, 0, 1}, opt(0)), 0},
		{"A", message(RD, [4]uint16{0, 0, 1}, a), ClassIN},
		{"NS of CHAOS", message(RD, [4]uint16{0, 1}, recordOf(root, TypeNS, ClassCH, 0, 0)), ClassCH},
		{"OPT and A", message(RD, [4]uint16{0, 0, 0, 2}, opt(0), a), ClassIN},
	} {
		var q Query
		if f := q.Parse(tt.msg); f != NoQuery || q.Class != tt.want {
			t.Errorf("%s: Parse = %d, Class = %d, want NoQuery, %d", tt.name, f, q.Class, tt.want)
		}
	}
}
