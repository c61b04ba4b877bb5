package wire

import "testing"

func TestSoundParams(t *testing.T) {
	param := func(key byte, value ...byte) []byte { return append([]byte{0, key, 0, byte(len(value))}, value...) }
	tests := []struct {
		name   string
		params [][]byte
		want   bool
	}{
		{"none", nil, true},
		{"in order", [][]byte{param(1, 2, 'h', '2'), param(3, 1, 187)}, true},
		{"out of order", [][]byte{param(3, 1, 187), param(1, 2, 'h', '2')}, false},
		{"twice", [][]byte{param(3, 1, 187), param(3, 1, 187)}, false},
		{"unknown key", [][]byte{param(200), param(201, 1)}, true},
		{"cut in its head", [][]byte{{0, 200, 0}}, false},
		{"cut in its value", [][]byte{{0, 200, 0, 2, 1}}, false},
		{"mandatory", [][]byte{param(0, 0, 1), param(1, 2, 'h', '2')}, true},
		{"mandatory of nothing", [][]byte{param(0)}, false},
		{"mandatory of half a key", [][]byte{param(0, 0)}, false},
		{"protocols", [][]byte{param(1, 2, 'h', '2', 1, 'x')}, true},
		{"no protocol", [][]byte{param(1)}, false},
		{"empty protocol", [][]byte{param(1, 0)}, false},
		{"protocol cut", [][]byte{param(1, 2, 'h')}, false},
		{"no default", [][]byte{param(1, 1, 'x'), param(2)}, true},
		{"no default, with a value", [][]byte{param(1, 1, 'x'), param(2, 1)}, false},
		{"short port", [][]byte{param(3, 1)}, false},
		{"IPv4 hints", [][]byte{param(4, 1, 2, 3, 4, 5, 6, 7, 8)}, true},
		{"half an IPv4 hint", [][]byte{param(4, 1, 2)}, false},
		{"no IPv4 hint", [][]byte{param(4)}, false},
		{"IPv6 hint", [][]byte{param(6, make([]byte, 16)...)}, true},
		{"half an IPv6 hint", [][]byte{param(6, make([]byte, 8)...)}, false},
	}
	for _, tt := range tests {
		data := append([]byte{0, 1}, nameOf("svc.test")...)
		for _, p := range tt.params {
			data = append(data, p...)
		}
		var m Message
		if got := m.Parse(response(asked, record(pointer(HeaderLen), typeHTTPS, 60, data...))); got != tt.want {
			t.Errorf("%s: Parse = %v, want %v", tt.name, got, tt.want)
		}
	}
}
