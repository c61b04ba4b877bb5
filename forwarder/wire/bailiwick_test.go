package wire

import "testing"

func TestInBailiwick(t *testing.T) {
	const class = 1
	rr := func(name string, rtype uint16, data ...byte) []byte {
		return recordOf(nameOf(name), rtype, class, 60, data...)
	}
	soa := func(name string) []byte { return rr(name, TypeSOA, make([]byte, 22)...) }
	address := []byte{10, 0, 0, 1}
	tests := []struct {
		name   string
		counts [4]uint16
		behind [][]byte
		want   bool
	}{
		{"address", [4]uint16{1, 1}, [][]byte{rr("www.example", TypeA, address...)}, true},
		{"no record", [4]uint16{1}, nil, true},
		{"OPT", oneExtra, [][]byte{opt(0)}, true},
		{"SOA of the zone", [4]uint16{1, 0, 1}, [][]byte{soa("example")}, true},
		{"SOA in another case", [4]uint16{1, 0, 1}, [][]byte{soa("eXaMple")}, true},
		{"SOA of the name", [4]uint16{1, 0, 1}, [][]byte{soa("www.example")}, true},
		{"SOA of the root", [4]uint16{1, 0, 1}, [][]byte{soa("")}, true},
		{"SOA of the target's zone", [4]uint16{1, 1, 1}, [][]byte{rr("www.example", TypeCNAME, nameOf("a.test")...), soa("test")}, true},
		{"SOA of another zone", [4]uint16{1, 0, 1}, [][]byte{soa("test")}, false},
		{"SOA below", [4]uint16{1, 0, 1}, [][]byte{soa("a.www.example")}, false},
		{"SOA that only ends alike", [4]uint16{1, 0, 1}, [][]byte{soa("ample")}, false},
		{"NSEC", [4]uint16{1, 0, 1}, [][]byte{rr("a.example", typeNSEC, 0, 0)}, true},
		{"NS", [4]uint16{1, 0, 1}, [][]byte{rr("example", TypeNS, 0)}, false},
		{"address in the authority section", [4]uint16{1, 0, 1}, [][]byte{rr("www.example", TypeA, address...)}, false},
		{"additional address", oneExtra, [][]byte{rr("www.example", TypeA, address...)}, false},
		{"additional address and OPT", [4]uint16{1, 0, 0, 2}, [][]byte{rr("www.example", TypeA, address...), opt(0)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			msg := message(QR, tt.counts, append([][]byte{questionOf("www.example", TypeA)}, tt.behind...)...)
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if got := m.InBailiwick(m.Chain(nil)); got != tt.want {
				t.Errorf("InBailiwick(%x) = %v, want %v", msg, got, tt.want)
			}
		})
	}
}
