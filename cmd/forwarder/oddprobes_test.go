package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// hostZone is a primary zone of both servers, and its file.
const hostZone = "$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.9\n"

var (
	hostApex   = wireName("host", "test")
	stableName = wireName("stable", "awslab", "mycompany", "corp")
)

// classes are those that BIND tells apart, and others.
var classes = []uint16{0, 1, 2, 3, 4, 254, 255, 1234}

// optVariants are OPT records, and none.
func optVariants() map[string][]byte {
	opt := func(flags byte, data ...byte) []byte {
		rr := record([]byte{0}, dns.TypeOPT, 1232, append([]byte{}, data...))
		rr[7] = flags // of the TTL, DO first
		return rr
	}
	return map[string][]byte{
		"no OPT": nil,
		"OPT":    opt(0),
		"DO":     opt(0x80),
		"cookie": opt(0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8),
		"subnet": opt(0, 0, 8, 0, 5, 0, 1, 8, 0, 10),
	}
}

// opcodeMessage is a message of an opcode with one question and records; the
// additional ones that are nil do not count.
func opcodeMessage(opcode uint16, question []byte, sections [3][][]byte) []byte {
	counts := [4]uint16{1}
	parts := [][]byte{question}
	if question == nil {
		counts[0] = 0
	}
	for i, rrs := range sections {
		for _, rr := range rrs {
			if rr != nil {
				counts[i+1]++
				parts = append(parts, rr)
			}
		}
	}
	return message(opcode<<11|flagRD, counts, parts...)
}

// zoneProbes send what names a zone, of all classes, and other opcodes.
func zoneProbes() (probes []probe) {
	for _, opcode := range []uint16{dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus, dns.OpcodeQuery} {
		for title, opt := range optVariants() {
			additional := [3][][]byte{2: {opt}}
			for _, class := range classes {
				for _, rtype := range []uint16{dns.TypeSOA, dns.TypeA, dns.TypeTKEY} {
					both := overBoth(fmt.Sprintf("opcode %d class %d type %d %s", opcode, class, rtype, title),
						opcodeMessage(opcode, record(stableName, rtype, class, nil), additional))
					probes = append(probes, chaosApart(class, len(probes), both)...)
				}
			}
			probes = append(probes, overBoth(fmt.Sprintf("opcode %d no question %s", opcode, title), opcodeMessage(opcode, nil, additional))...)
		}
	}
	return append(probes, hostZoneProbes()...)
}

// hostZoneProbes are about a zone that the servers have.
func hostZoneProbes() (probes []probe) {
	for _, name := range [][]byte{hostApex, append([]byte{1, 'x'}, hostApex...)} {
		for title, opt := range optVariants() {
			for _, opcode := range []uint16{dns.OpcodeNotify, dns.OpcodeUpdate} {
				probes = append(probes, overBoth(fmt.Sprintf("opcode %d of a zone here %x %s", opcode, name, title),
					opcodeMessage(opcode, record(name, dns.TypeSOA, dns.ClassINET, nil), [3][][]byte{2: {opt}}))...)
			}
			for _, rtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
				probes = append(probes, overBoth(fmt.Sprintf("transfer of a zone here, type %d %x %s", rtype, name, title),
					opcodeMessage(dns.OpcodeQuery, record(name, rtype, dns.ClassINET, nil), [3][][]byte{2: {opt}}))...)
			}
		}
	}
	return probes
}

// chaosApart makes probes of class CH come from another network each: BIND limits
// their rate.
func chaosApart(class uint16, first int, probes []probe) []probe {
	if class == dns.ClassCHAOS {
		apart(16+byte(first>>8), first, probes)
	}
	return probes
}

// recordProbes put records behind questions in each section.
func recordProbes() (probes []probe) {
	opt := optVariants()["cookie"]
	for _, opcode := range []uint16{dns.OpcodeQuery, dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus} {
		for title, rr := range oddRecords() {
			for section := range 3 {
				sections := [3][][]byte{2: {opt}}
				sections[section] = append(sections[section], rr)
				probes = append(probes, overBoth(fmt.Sprintf("opcode %d %s in section %d", opcode, title, section+1),
					opcodeMessage(opcode, record(stableName, zoneType(opcode), dns.ClassINET, nil), sections))...)
			}
		}
	}
	return probes
}

// zoneType is the type of a question that names a zone, or A.
func zoneType(opcode uint16) uint16 {
	if opcode == dns.OpcodeQuery {
		return dns.TypeA
	}
	return dns.TypeSOA
}

// oddRecords are records that queries have no need of.
func oddRecords() map[string][]byte {
	address := []byte{10, 0, 2, 1}
	records := map[string][]byte{
		"type 0": record(stableName, 0, dns.ClassINET, address),
		"AXFR":   record(stableName, dns.TypeAXFR, dns.ClassINET, []byte{}),
		"ANY":    record(stableName, dns.TypeANY, dns.ClassANY, []byte{}),
		"RRSIG":  record(stableName, dns.TypeRRSIG, dns.ClassINET, sigData(dns.TypeA)),
		"TKEY":   record(stableName, dns.TypeTKEY, dns.ClassINET, append(wireName("gss-tsig"), make([]byte, 16)...)),
	}
	for _, class := range []uint16{dns.ClassINET, dns.ClassCHAOS, dns.ClassHESIOD, dns.ClassNONE, dns.ClassANY} {
		for n := range 5 {
			records[fmt.Sprintf("A of class %d, %d octets", class, n)] = record(stableName, dns.TypeA, class, append([]byte{}, address[:n]...))
		}
	}
	return records
}

// sigData is the data of a SIG or RRSIG for a type.
func sigData(covers uint16) []byte {
	data := binary.BigEndian.AppendUint16(nil, covers)
	data = append(data, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0x5f, 0xff, 0xff, 0xff, 4, 210)
	return append(append(data, wireName("key")...), slices.Repeat([]byte{7}, 64)...)
}

// signedProbes carry a TSIG or SIG(0), sound or not, in its place or not.
func signedProbes() (probes []probe) {
	opt := optVariants()["cookie"]
	newer := slices.Clone(opt)
	newer[6] = 1 // version
	signatures := signatures()
	for _, opcode := range []uint16{dns.OpcodeQuery, dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus} {
		for _, title := range slices.Sorted(maps.Keys(signatures)) { // a sample of them is the same in each run
			rr := signatures[title]
			add := func(where string, class uint16, sections [3][][]byte) {
				both := overBoth(fmt.Sprintf("%s of opcode %d %s", title, opcode, where),
					opcodeMessage(opcode, record(stableName, zoneType(opcode), class, nil), sections))
				probes = append(probes, chaosApart(class, len(probes), both)...)
			}
			for _, class := range classes {
				add(fmt.Sprintf("class %d", class), class, [3][][]byte{2: {rr}})
			}
			add("behind OPT", 1, [3][][]byte{2: {opt, rr}})
			add("before OPT", 1, [3][][]byte{2: {rr, opt}})
			add("behind EDNS 1", 1, [3][][]byte{2: {newer, rr}})
			add("twice", 1, [3][][]byte{2: {rr, rr}})
			add("as answer", 1, [3][][]byte{0: {rr}, 2: {opt}})
			add("as authority", 1, [3][][]byte{1: {rr}, 2: {opt}})
			probes = append(probes, overBoth(fmt.Sprintf("%s of opcode %d without question", title, opcode),
				opcodeMessage(opcode, nil, [3][][]byte{2: {opt, rr}}))...)
		}
	}
	return probes
}

// signatures are the records of signed queries, by what is to be known of them.
func signatures() map[string][]byte {
	key, root := wireName("key"), []byte{0}
	tsig, sig := tsigData(), sigData(0)
	list := map[string][]byte{
		"TSIG":                record(key, dns.TypeTSIG, dns.ClassANY, tsig),
		"TSIG of the root":    record(root, dns.TypeTSIG, dns.ClassANY, tsig),
		"TSIG of class IN":    record(key, dns.TypeTSIG, dns.ClassINET, tsig),
		"TSIG with an octet":  record(key, dns.TypeTSIG, dns.ClassANY, append(slices.Clone(tsig), 0)),
		"SIG(0)":              record(root, dns.TypeSIG, dns.ClassANY, sig),
		"SIG(0) of class IN":  record(root, dns.TypeSIG, dns.ClassINET, sig),
		"SIG(0) of a name":    record(key, dns.TypeSIG, dns.ClassANY, sig),
		"SIG of A":            record(root, dns.TypeSIG, dns.ClassINET, sigData(dns.TypeA)),
		"SIG of A, class ANY": record(root, dns.TypeSIG, dns.ClassANY, sigData(dns.TypeA)),
	}
	for _, n := range []int{0, 1, 12, 14, 21, 23, 25, len(tsig) - 1} {
		list[fmt.Sprintf("TSIG of %d octets", n)] = record(key, dns.TypeTSIG, dns.ClassANY, append([]byte{}, tsig[:n]...))
	}
	for _, n := range []int{0, 1, 2, 17, 18, 22, 23, 24} {
		list[fmt.Sprintf("SIG(0) of %d octets", n)] = record(root, dns.TypeSIG, dns.ClassANY, append([]byte{}, sig[:n]...))
	}
	return list
}

// questionProbes ask several things at once.
func questionProbes() (probes []probe) {
	ask := func(name []byte, rtype, class uint16) []byte { return record(name, rtype, class, nil) }
	first := ask(stableName, dns.TypeSOA, 1)
	for title, second := range map[string][]byte{
		"the same":      first,
		"another type":  ask(stableName, dns.TypeA, 1),
		"another class": ask(stableName, dns.TypeSOA, dns.ClassCHAOS),
		"another name":  ask(hostApex, dns.TypeSOA, 1),
	} {
		for _, opcode := range []uint16{dns.OpcodeQuery, dns.OpcodeNotify, dns.OpcodeUpdate, dns.OpcodeStatus} {
			for what, opt := range optVariants() {
				packet := opcodeMessage(opcode, slices.Concat(first, second), [3][][]byte{2: {opt}})
				packet[5] = 2
				probes = append(probes, overBoth(fmt.Sprintf("several questions, %s, opcode %d %s", title, opcode, what), packet)...)
			}
		}
	}
	return probes
}
