package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files of testdata that tests compare with")

const wireDir = "../../testdata/wire"

// message joins a header with the parts after it. Counts are those of the
// four sections.
func message(flags uint16, counts [4]uint16, parts ...[]byte) []byte {
	m := binary.BigEndian.AppendUint16(nil, 0x4a4d)
	m = binary.BigEndian.AppendUint16(m, flags)
	for _, n := range counts {
		m = binary.BigEndian.AppendUint16(m, n)
	}
	return append(m, bytes.Join(parts, nil)...)
}

func wireName(labels ...string) []byte {
	var name []byte
	for _, l := range labels {
		name = append(append(name, byte(len(l))), l...)
	}
	return append(name, 0)
}

// record is a resource record, or a question when data is nil.
func record(owner []byte, rrtype, class uint16, data []byte) []byte {
	rr := binary.BigEndian.AppendUint16(slices.Clone(owner), rrtype)
	rr = binary.BigEndian.AppendUint16(rr, class)
	if data == nil {
		return rr
	}
	rr = append(rr, 0, 0, 0, 0) // TTL
	rr = binary.BigEndian.AppendUint16(rr, uint16(len(data)))
	return append(rr, data...)
}

// malformed are messages with a fault each, and some that only look faulty, by
// the name of their file.
func malformed() map[string][]byte {
	stable := wireName("stable", "awslab", "mycompany", "corp")
	question := record(stable, 1, 1, nil)
	ask := func(owner []byte) []byte { return message(flagRD, [4]uint16{1}, owner, []byte{0, 1, 0, 1}) }
	root := []byte{0}
	opt := func(data ...byte) []byte { return record(root, 41, 1232, append([]byte{}, data...)) }
	address := record(stable, 1, 1, []byte{192, 0, 2, 1})
	good := message(flagRD, [4]uint16{1, 0, 0, 1}, question, opt())
	label63 := strings.Repeat("a", 63)
	cut := func(n int) []byte { return good[:len(good)-n] }
	with := func(extra ...[]byte) []byte {
		return message(flagRD, [4]uint16{1, 0, 0, uint16(len(extra))}, question, bytes.Join(extra, nil))
	}
	opcode := func(n uint16, parts ...[]byte) []byte {
		return message(n<<11, [4]uint16{1}, append([][]byte{question}, parts...)...)
	}
	return map[string][]byte{
		"good":                         good,
		"empty":                        {},
		"one-octet":                    {0},
		"header-cut":                   good[:11],
		"header-only":                  message(flagRD, [4]uint16{}),
		"header-zero":                  make([]byte, 12),
		"header-ones":                  bytes.Repeat([]byte{0xff}, 12),
		"response":                     message(0x8180, [4]uint16{1}, question),
		"response-with-answer":         message(0x8180, [4]uint16{1, 1}, question, address),
		"question-none-opt":            message(flagRD, [4]uint16{0, 0, 0, 1}, opt()),
		"question-none-cookie":         message(flagRD, [4]uint16{0, 0, 0, 1}, opt(0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8)),
		"question-none-trailing":       message(flagRD, [4]uint16{}, question),
		"question-twice":               message(flagRD, [4]uint16{2}, question, question),
		"question-twice-opt":           message(flagRD, [4]uint16{2, 0, 0, 1}, question, question, opt()),
		"question-65535":               message(flagRD, [4]uint16{65535}, question),
		"question-missing":             message(flagRD, [4]uint16{1}),
		"question-cut-in-label":        message(flagRD, [4]uint16{1}, question[:4]),
		"question-cut-before-root":     message(flagRD, [4]uint16{1}, stable[:len(stable)-1]),
		"question-cut-in-type":         message(flagRD, [4]uint16{1}, question[:len(question)-3]),
		"question-cut-in-class":        message(flagRD, [4]uint16{1}, question[:len(question)-1]),
		"question-type-any":            message(flagRD, [4]uint16{1}, record(stable, 255, 1, nil)),
		"question-type-opt":            message(flagRD, [4]uint16{1}, record(stable, 41, 1, nil)),
		"question-type-tsig":           message(flagRD, [4]uint16{1}, record(stable, 250, 1, nil)),
		"question-class-any":           message(flagRD, [4]uint16{1}, record(stable, 1, 255, nil)),
		"question-class-zero":          message(flagRD, [4]uint16{1}, record(stable, 1, 0, nil)),
		"name-pointer-self":            ask([]byte{0xc0, 12}),
		"name-pointer-forward":         ask([]byte{0xc0, 40}),
		"name-pointer-past-end":        ask([]byte{0xff, 0xff}),
		"name-pointer-into-header":     ask([]byte{0xc0, 4}),
		"name-pointer-cut":             message(flagRD, [4]uint16{1}, []byte{0xc0}),
		"name-pointer-loop":            ask([]byte{1, 'a', 0xc0, 12}),
		"name-pointer-after-label":     ask([]byte{1, 'a', 0xc0, 4}),
		"name-label-type-01":           ask([]byte{0x41, 'a', 0}),
		"name-label-type-10":           ask([]byte{0x81, 'a', 0}),
		"name-label-64":                ask(append(append([]byte{64}, strings.Repeat("a", 64)...), 0)),
		"name-255":                     ask(wireName(label63, label63, label63, strings.Repeat("a", 61))),
		"name-256":                     ask(wireName(label63, label63, label63, strings.Repeat("a", 62))),
		"name-300":                     ask(wireName(label63, label63, label63, label63, label63)),
		"name-127-labels":              ask(wireName(slices.Repeat([]string{"a"}, 127)...)),
		"name-128-labels":              ask(wireName(slices.Repeat([]string{"a"}, 128)...)),
		"name-with-nul":                ask(wireName("a\x00b", "wild", "awslab", "mycompany", "corp")),
		"name-with-dot":                ask(wireName("a.b", "wild", "awslab", "mycompany", "corp")),
		"name-with-high-octets":        ask(wireName("\xff\xfe", "wild", "awslab", "mycompany", "corp")),
		"name-root":                    ask(root),
		"trailing-octet":               append(slices.Clone(good), 0),
		"trailing-500-octets":          append(slices.Clone(good), make([]byte, 500)...),
		"trailing-record":              append(slices.Clone(good), address...),
		"opt-missing":                  message(flagRD, [4]uint16{1, 0, 0, 1}, question),
		"opt-cut-in-rdlength":          cut(1),
		"opt-cut-before-rdlength":      cut(2),
		"opt-cut-in-ttl":               cut(4),
		"opt-cut-in-class":             cut(7),
		"opt-cut-in-type":              cut(9),
		"opt-rdata-missing":            with(append(opt()[:9], 0, 10)),
		"opt-rdata-cut":                with(opt(0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8)[:18]),
		"opt-twice":                    with(opt(), opt()),
		"opt-owner-not-root":           with(record(stable, 41, 1232, []byte{})),
		"opt-owner-pointer-to-root":    with(record([]byte{0xc0, byte(12 + len(stable) - 1)}, 41, 1232, []byte{})),
		"opt-in-answer":                message(flagRD, [4]uint16{1, 1}, question, opt()),
		"opt-in-authority":             message(flagRD, [4]uint16{1, 0, 1}, question, opt()),
		"opt-extended-rcode":           with([]byte{0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0}),
		"option-header-cut":            with(opt(0, 10, 0)),
		"option-longer-than-rdata":     with(opt(0, 10, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8)),
		"option-followed-by-octet":     with(opt(0, 3, 0, 0, 0)),
		"cookie-7":                     with(opt(0, 10, 0, 7, 1, 2, 3, 4, 5, 6, 7)),
		"cookie-9":                     with(opt(0, 10, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
		"cookie-41":                    with(opt(append([]byte{0, 10, 0, 41}, make([]byte, 41)...)...)),
		"record-in-answer":             message(flagRD, [4]uint16{1, 1}, question, address),
		"record-in-authority":          message(flagRD, [4]uint16{1, 0, 1}, question, address),
		"record-before-opt":            with(address, opt()),
		"record-after-opt":             with(opt(), address),
		"record-owner-pointer":         with(record([]byte{0xc0, 12}, 1, 1, []byte{192, 0, 2, 1}), opt()),
		"record-owner-pointer-self":    with(record([]byte{0xc0, byte(12 + len(question))}, 1, 1, []byte{192, 0, 2, 1})),
		"record-rdata-too-short-for-a": with(record(stable, 1, 1, []byte{192, 0, 2})),
		"record-cut":                   message(flagRD, [4]uint16{1, 1}, question, address[:len(address)-1]),
		"answer-count-only":            message(flagRD, [4]uint16{1, 1}, question),
		"answer-count-65535":           message(flagRD, [4]uint16{1, 65535}, question),
		"counts-65535":                 message(flagRD, [4]uint16{1, 65535, 65535, 65535}, question),
		"tsig-unknown-key":             with(record(wireName("key"), 250, 255, tsigData())),
		"tsig-before-opt":              with(record(wireName("key"), 250, 255, tsigData()), opt()),
		"tsig-empty":                   with(record(wireName("key"), 250, 255, []byte{})),
		"sig0-empty":                   with(record(root, 24, 255, []byte{})),
		"opcode-iquery":                opcode(1),
		"opcode-status":                opcode(2),
		"opcode-notify":                opcode(4),
		"opcode-update":                opcode(5),
		"opcode-dso":                   message(6<<11, [4]uint16{}),
		"opcode-15":                    opcode(15),
		"transfer-full":                message(0, [4]uint16{1}, record(stable, 252, 1, nil)),
		"transfer-incremental":         message(0, [4]uint16{1}, record(stable, 251, 1, nil)),
		"text-http":                    []byte("GET / HTTP/1.1\r\nHost: forwarder\r\n\r\n"),
		"text-tls":                     {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"zeros-512":                    make([]byte, 512),
		"ones-512":                     bytes.Repeat([]byte{0x7f}, 512),
	}
}

// tsigData is a TSIG record's data with an empty signature by hmac-sha256.
func tsigData() []byte {
	data := wireName("hmac-sha256")
	data = append(data, 0, 0, 0x6a, 0x11, 0x22, 0x33) // time signed
	data = append(data, 1, 44)                        // fudge
	data = append(data, 0, 0)                         // MAC size
	return append(data, 0x4a, 0x4d, 0, 0, 0, 0)       // original ID, error, other length
}

// malformedProbes send every malformed message, as the query that it nearly is.
func malformedProbes() []probe {
	var probes []probe
	for name, packet := range malformed() {
		probes = append(probes, overBoth(name+".bin", packet)...)
	}
	slices.SortFunc(probes, func(a, b probe) int { return strings.Compare(a.title, b.title) })
	return probes
}

func TestWireFiles(t *testing.T) {
	want := malformed()
	for name, packet := range want {
		path := filepath.Join(wireDir, name+".bin")
		if *update {
			if err := os.WriteFile(path, packet, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, packet) {
			t.Errorf("%s = %x, %v, want %x; -update writes it", path, got, err, packet)
		}
	}
	paths, err := filepath.Glob(filepath.Join(wireDir, "*.bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if _, ok := want[strings.TrimSuffix(filepath.Base(path), ".bin")]; !ok {
			t.Errorf("%s is made by nobody", path)
		}
	}
}
