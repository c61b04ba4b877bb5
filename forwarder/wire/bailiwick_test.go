package wire

import "testing"

func TestDenies(t *testing.T) {
	rr := func(name string, rtype uint16, data ...byte) []byte { return record(nameOf(name), rtype, 60, data...) }
	soa := func(name string) []byte { return rr(name, TypeSOA, make([]byte, 22)...) }
	signature := func(covered byte) []byte {
		return rr("example", TypeRRSIG, append([]byte{0, covered}, make([]byte, 17)...)...)
	}
	alias := rr("www.example", TypeCNAME, nameOf("a.test")...)
	tests := []struct {
		name string
		rr   []byte
		want bool
	}{
		{"SOA of the zone", soa("example"), true},
		{"SOA in another case", soa("eXaMple"), true},
		{"SOA of the name", soa("www.example"), true},
		{"SOA of the root", soa(""), true},
		{"SOA of the target's zone", soa("test"), true},
		{"SOA of another zone", soa("another"), false},
		{"SOA below", soa("a.www.example"), false},
		{"SOA that only ends alike", soa("ample"), false},
		{"NSEC", rr("a.example", typeNSEC, 0, 0), true},
		{"NSEC3", rr("00.example", typeNSEC3, 0, 0), true},
		{"signature of the SOA", signature(TypeSOA), true},
		{"signature of an NSEC", signature(typeNSEC), true},
		{"signature of an NS", signature(TypeNS), false},
		{"NS", rr("example", TypeNS, 0), false},
		{"address", rr("www.example", TypeA, 10, 0, 0, 1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			msg := message(QR, [4]uint16{1, 1, 1}, questionOf("www.example", TypeA), alias, tt.rr)
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if got := m.Denies(&m.RRs[1], m.Chain(nil).Final); got != tt.want {
				t.Errorf("Denies = %v, want %v", got, tt.want)
			}
		})
	}
}
