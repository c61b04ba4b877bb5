package statistics

import (
	"fmt"
	"time"

	"vpcdns/forwarder/counts"
)

// jsonVersion is that of BIND 9.18's documents.
const jsonVersion = "1.7"

// jsonDocument is BIND's. What a path does not have is left out.
type jsonDocument struct {
	Version string              `json:"json-stats-version"`
	Boot    string              `json:"boot-time"`
	Config  string              `json:"config-time"`
	Now     string              `json:"current-time"`
	Server  string              `json:"version"`
	Opcodes counters            `json:"opcodes,omitempty"`
	Rcodes  counters            `json:"rcodes,omitempty"`
	Types   *counters           `json:"qtypes,omitempty"`
	Stats   *counters           `json:"nsstats,omitempty"`
	Views   map[string]jsonView `json:"views,omitempty"`
	Sockets *counters           `json:"sockstats,omitempty"`
	Memory  *jsonMemory         `json:"memory,omitempty"`
	Tasks   *jsonTasks          `json:"taskmgr,omitempty"`
	Traffic map[string]counters `json:"traffic,omitempty"`
}

type jsonView struct {
	Zones    []jsonZone    `json:"zones,omitempty"`
	Resolver *jsonResolver `json:"resolver,omitempty"`
}

type jsonZone struct {
	Name   string `json:"name"`
	Class  string `json:"class"`
	Serial uint32 `json:"serial"`
	Type   string `json:"type"`
	Loaded string `json:"loaded"`
}

type jsonResolver struct {
	Stats counters `json:"stats"`
	Types counters `json:"qtypes"`
	Sets  counters `json:"cache"`
	Cache counters `json:"cachestats"`
	ADB   counters `json:"adb"`
}

type jsonMemory struct {
	TotalUse    uint64        `json:"TotalUse"`
	InUse       uint64        `json:"InUse"`
	Malloced    uint64        `json:"Malloced"`
	ContextSize uint64        `json:"ContextSize"`
	Lost        uint64        `json:"Lost"`
	Contexts    []jsonContext `json:"contexts"`
}

type jsonContext struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	References uint64 `json:"references"`
	Total      uint64 `json:"total"`
	InUse      uint64 `json:"inuse"`
}

type jsonTasks struct {
	Model   string     `json:"thread-model"`
	Quantum int        `json:"default-quantum"`
	Tasks   []struct{} `json:"tasks"`
}

// milliseconds is how BIND writes times.
func milliseconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func jsonOf(f *figures) *jsonDocument {
	d := &jsonDocument{Version: jsonVersion, Boot: milliseconds(f.Boot), Config: milliseconds(f.Config), Now: milliseconds(f.Now), Server: f.Version}
	if f.parts&server != 0 {
		types, stats := f.Types.some(), f.Server.some()
		d.Opcodes, d.Rcodes, d.Types, d.Stats = f.Opcodes, f.Rcodes, &types, &stats
	}
	if f.parts&sockets != 0 {
		list := f.Sockets.some()
		d.Sockets = &list
	}
	if f.parts&memory != 0 {
		d.Memory = jsonMemoryOf(f.Memory)
	}
	if f.parts&tasks != 0 {
		d.Tasks = &jsonTasks{Model: "threaded", Quantum: 25, Tasks: []struct{}{}}
	}
	if f.parts&traffic != 0 {
		d.Traffic = jsonTraffic(&f.Traffic)
	}
	for _, v := range f.Views {
		if d.Views == nil {
			d.Views = make(map[string]jsonView)
		}
		d.Views[v.Name] = jsonViewOf(f.parts, &v)
	}
	return d
}

func jsonViewOf(p parts, v *view) (j jsonView) {
	for _, z := range v.Zones {
		j.Zones = append(j.Zones, jsonZone{z.Name, z.Class, z.Serial, z.Type, seconds(z.Loaded)})
	}
	if p&server != 0 {
		j.Resolver = &jsonResolver{v.Resolver.some(), v.Types.some(), v.Sets.some(), v.Cache, v.ADB.some()}
	}
	return j
}

func jsonMemoryOf(m memoryUse) *jsonMemory {
	return &jsonMemory{TotalUse: m.Total, InUse: m.InUse, Malloced: m.InUse, Contexts: []jsonContext{
		{ID: "0x1", Name: "main", References: 1, Total: m.Total, InUse: m.InUse},
		{ID: "0x2", Name: "cache", References: 1, Total: m.Cache, InUse: m.Cache},
	}}
}

// jsonTraffic has the sizes of messages by transport and family.
func jsonTraffic(c *counts.Sums) map[string]counters {
	m := make(map[string]counters)
	for i, family := range [...]string{"ipv4", "ipv6"} {
		for transport, sizes := range map[string]*counts.Sizes{"udp": &c.UDP[i], "tcp": &c.TCP[i]} {
			m["dns-"+transport+"-requests-sizes-received-"+family] = bySize(sizes.Requests[:])
			m["dns-"+transport+"-responses-sizes-sent-"+family] = bySize(sizes.Responses[:])
		}
	}
	return m
}

// bySize names steps of 16 octets as BIND does; the last is open.
func bySize(n []uint64) (list counters) {
	for i, count := range n {
		switch {
		case count == 0:
		case i == len(n)-1:
			list = append(list, counter{fmt.Sprintf("%d+", 16*i), count})
		default:
			list = append(list, counter{fmt.Sprintf("%d-%d", 16*i, 16*i+15), count})
		}
	}
	return list
}
