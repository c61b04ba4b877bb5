package forwarder

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"vpcdns/forwarder/store"
	"vpcdns/forwarder/wire"
)

// sources are whom the answers of a snapshot are of: who was asked for which names,
// and which names were not asked for.
type sources struct {
	Zones        []zoneSource  `json:"zones"`   // by name
	Local        []string      `json:"local"`   // apexes of the zones that were served from here, sorted
	Servers      serverNumbers `json:"servers"` // as the answers have them
	CookieSecret []byte        `json:"cookie_secret"`
}

type zoneSource struct {
	Name    string           `json:"name"`
	Servers []netip.AddrPort `json:"servers"`
}

func sourcesOf(st *state, secret [16]byte) sources {
	s := sources{Servers: st.serverNumbers, CookieSecret: secret[:]}
	for _, z := range st.routes {
		s.Zones = append(s.Zones, zoneSource{z.name, slices.SortedFunc(slices.Values(z.servers), netip.AddrPort.Compare)})
	}
	slices.SortFunc(s.Zones, func(a, b zoneSource) int { return cmp.Compare(a.Name, b.Name) })
	for _, z := range st.local.Zones {
		s.Local = append(s.Local, z.Apex)
	}
	slices.Sort(s.Local)
	return s
}

// maxSources is more than a configuration has zones for, in octets.
const maxSources = 16 << 20

func readSources(f *store.File) (s sources, err error) {
	section := f.Section(sourcesSection)
	if section == nil || section.Size() > maxSources {
		return s, store.ErrOtherVersion
	}
	text, err := io.ReadAll(section)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading whose answers they are: %w", err)
	}
	return s, nil
}

// ask reports whether every name is asked for where it is in other.
func (s *sources) ask(other *sources) bool {
	return slices.Equal(s.Local, other.Local) && slices.EqualFunc(s.Zones, other.Zones, func(a, b zoneSource) bool {
		return a.Name == b.Name && slices.Equal(a.Servers, b.Servers)
	})
}

// trust says which answers of a snapshot are believed in a state: those of servers that
// it asks for the same names. Of an answer whose server is not known nothing is
// believed once anything has changed.
type trust struct {
	st      *state
	same    bool // every name is asked for where it was
	servers [maxServers + 1]netip.AddrPort
}

func newTrust(s *sources, st *state) *trust {
	now := sourcesOf(st, [16]byte{})
	t := &trust{st: st, same: s.ask(&now)}
	for a, number := range s.Servers {
		if number <= maxServers {
			t.servers[number] = a
		}
	}
	return t
}

// originOf returns where r, which m has parsed, came from, and whether it is
// believed.
func (t *trust) originOf(r *record, m *wire.Message, key wire.Key) (from origin, ok bool) {
	z := t.st.routes.find(key.Name(), key.Type())
	if z == nil || len(z.servers) == 0 || int(r.server) >= len(t.servers) {
		return from, false
	}
	server := t.servers[r.server]
	from = origin{t.st.serverNumbers[server], z.id}
	if !server.IsValid() {
		return from, t.same
	}
	return from, slices.Contains(z.servers, server) && t.asks(key.Name(), key.Type(), server) && t.asksForAll(r, m, key.Type(), server)
}

// asksForAll reports whether server is believed about every name of an answer's chain,
// and of what comes with it: of that as long as nothing has changed. Where an open
// chain leads to is another's business.
func (t *trust) asksForAll(r *record, m *wire.Message, rtype uint16, server netip.AddrPort) bool {
	rrs := m.RRs
	if t.same {
		rrs = m.Section(0) // an SOA may be of a name above the zone
	}
	for i := range rrs {
		rr := &rrs[i]
		if !t.asks(m.LowerName(rr.Start), rtype, server) {
			return false
		}
		if rr.Type == wire.TypeCNAME && r.flags&recordOpen == 0 && !t.asks(m.LowerName(rr.RData), rtype, server) {
			return false
		}
	}
	return true
}

// asks reports whether server is believed about a name: see resolver.isForeign.
func (t *trust) asks(name []byte, rtype uint16, server netip.AddrPort) bool {
	if z := t.st.zoneAt(name, rtype); z != nil && !z.Delegates(name) {
		return false
	}
	z := t.st.routes.find(name, rtype)
	return z == nil || slices.Contains(z.servers, server)
}
