package statistics

import (
	"bytes"
	"encoding/xml"

	"vpcdns/forwarder/counts"
)

// xmlVersion is that of BIND 9.18's documents.
const xmlVersion = "3.13"

// xmlDocument is BIND's. What a path does not have is left out.
type xmlDocument struct {
	XMLName xml.Name    `xml:"statistics"`
	Version string      `xml:"version,attr"`
	Server  xmlServer   `xml:"server"`
	Traffic *xmlTraffic `xml:"traffic"`
	Views   xmlViews    `xml:"views"`
	Tasks   *xmlTasks   `xml:"taskmgr"`
	Memory  *xmlMemory  `xml:"memory"`
}

type xmlServer struct {
	Boot     string        `xml:"boot-time"`
	Config   string        `xml:"config-time"`
	Now      string        `xml:"current-time"`
	Version  string        `xml:"version"`
	Counters []xmlCounters `xml:"counters"`
}

// xmlCounters are counters of one type.
type xmlCounters struct {
	Type     string   `xml:"type,attr"`
	Counters counters `xml:"counter"`
}

type xmlViews struct {
	Views []xmlView `xml:"view"`
}

type xmlView struct {
	Name     string        `xml:"name,attr"`
	Zones    *xmlZones     `xml:"zones"`
	Counters []xmlCounters `xml:"counters"`
	Cache    *xmlCache     `xml:"cache"`
}

type xmlZones struct {
	Zones []xmlZone `xml:"zone"`
}

type xmlZone struct {
	Name   string `xml:"name,attr"`
	Class  string `xml:"rdataclass,attr"`
	Type   string `xml:"type"`
	Serial uint32 `xml:"serial"`
	Loaded string `xml:"loaded"`
}

type xmlCache struct {
	Name string   `xml:"name,attr"`
	Sets []xmlSet `xml:"rrset"`
}

type xmlSet struct {
	Name string `xml:"name"`
	N    uint64 `xml:"counter"`
}

type xmlTasks struct {
	Model   string   `xml:"thread-model>type"`
	Quantum int      `xml:"thread-model>default-quantum"`
	Tasks   struct{} `xml:"tasks"`
}

type xmlMemory struct {
	Contexts []xmlContext `xml:"contexts>context"`
	Summary  struct {
		TotalUse, InUse, Malloced, ContextSize, Lost uint64
	} `xml:"summary"`
}

type xmlContext struct {
	ID         string `xml:"id"`
	Name       string `xml:"name"`
	References uint64 `xml:"references"`
	Total      uint64 `xml:"total"`
	InUse      uint64 `xml:"inuse"`
}

type xmlTraffic struct {
	IPv4 xmlFamily `xml:"ipv4"`
	IPv6 xmlFamily `xml:"ipv6"`
}

type xmlFamily struct {
	UDP xmlSizes `xml:"udp"`
	TCP xmlSizes `xml:"tcp"`
}

type xmlSizes struct {
	Counters []xmlCounters `xml:"counters"`
}

func writeXML(b *bytes.Buffer, f *figures) error {
	b.WriteString(xml.Header)
	return xml.NewEncoder(b).Encode(xmlOf(f))
}

func xmlOf(f *figures) *xmlDocument {
	d := &xmlDocument{Version: xmlVersion, Server: xmlServer{Boot: milliseconds(f.Boot), Config: milliseconds(f.Config), Now: milliseconds(f.Now), Version: f.Version}}
	if f.parts&server != 0 {
		d.Server.Counters = append(d.Server.Counters,
			xmlCounters{"opcode", f.Opcodes}, xmlCounters{"rcode", f.Rcodes}, xmlCounters{"qtype", f.Types},
			xmlCounters{"nsstat", f.Server}, xmlCounters{"zonestat", f.Zone}, xmlCounters{"resstat", nil})
	}
	if f.parts&sockets != 0 {
		d.Server.Counters = append(d.Server.Counters, xmlCounters{"sockstat", f.Sockets})
	}
	if f.parts&memory != 0 {
		d.Memory = xmlMemoryOf(f.Memory)
	}
	if f.parts&tasks != 0 {
		d.Tasks = &xmlTasks{Model: "threaded", Quantum: 25}
	}
	if f.parts&traffic != 0 {
		d.Traffic = &xmlTraffic{
			xmlFamily{xmlSizesOf(&f.Traffic.UDP[0]), xmlSizesOf(&f.Traffic.TCP[0])},
			xmlFamily{xmlSizesOf(&f.Traffic.UDP[1]), xmlSizesOf(&f.Traffic.TCP[1])},
		}
	}
	for _, v := range f.Views {
		d.Views.Views = append(d.Views.Views, xmlViewOf(f.parts, &v))
	}
	return d
}

func xmlViewOf(p parts, v *view) xmlView {
	x := xmlView{Name: v.Name}
	if p&zones != 0 {
		x.Zones = new(xmlZones)
		for _, z := range v.Zones {
			x.Zones.Zones = append(x.Zones.Zones, xmlZone{z.Name, z.Class, z.Type, z.Serial, seconds(z.Loaded)})
		}
	}
	if p&server != 0 {
		x.Counters = []xmlCounters{{"resqtype", v.Types}, {"resstats", v.Resolver}, {"adbstat", v.ADB}, {"cachestats", v.Cache}}
		x.Cache = &xmlCache{Name: v.Name}
		for _, c := range v.Sets {
			x.Cache.Sets = append(x.Cache.Sets, xmlSet(c))
		}
	}
	return x
}

func xmlSizesOf(m *counts.Sizes) xmlSizes {
	return xmlSizes{[]xmlCounters{{"request-size", bySize(m.Requests[:])}, {"response-size", bySize(m.Responses[:])}}}
}

func xmlMemoryOf(m memoryUse) *xmlMemory {
	x := &xmlMemory{Contexts: []xmlContext{
		{ID: "0x1", Name: "main", References: 1, Total: m.Total, InUse: m.InUse},
		{ID: "0x2", Name: "cache", References: 1, Total: m.Cache, InUse: m.Cache},
	}}
	x.Summary.TotalUse, x.Summary.InUse, x.Summary.Malloced = m.Total, m.InUse, m.InUse
	return x
}
