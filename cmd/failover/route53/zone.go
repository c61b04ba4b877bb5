package route53

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Zone is a hosted zone as it is made.
type Zone struct {
	ID      string // "" is made up
	Name    string
	Comment string
	VPCs    []VPC // a private zone's; none makes a public zone
	Tags    map[string]string
	Records []RecordSet // besides SOA and NS
}

// VPC is one that sees a private zone.
type VPC struct {
	VPCRegion string
	VPCId     string
}

// zone is a hosted zone, and its past.
type zone struct {
	Zone
	busy   time.Time // a change is prepared until then
	states []*state  // from the first on; the last is what the API shows
}

// state is what a zone had from one change to the next. It does not change.
type state struct {
	sets    map[key]RecordSet
	names   map[string]bool // every owner, and every name above one down from the apex
	arrived []time.Time     // at each server
}

// key tells record sets apart.
type key struct{ name, rrtype, id string }

func keyOf(r RecordSet) key { return key{r.Name, r.Type, r.SetIdentifier} }

// memory is for how long servers know what they had before.
const memory = 10 * time.Minute

// nameServers are a public zone's; Route 53 gives private ones such as well.
var nameServers = []string{"ns-0.awsdns-00.com.", "ns-512.awsdns-00.net.", "ns-1024.awsdns-00.org.", "ns-1536.awsdns-00.co.uk."}

// AddZone adds a hosted zone with the SOA and NS records that Route 53 makes,
// and returns its ID. The authoritative servers have it at once. It fails as
// the creation of its records would by the API.
func (s *Server) AddZone(z Zone) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z.Name, err = normalName(z.Name); err != nil {
		return "", fmt.Errorf("adding the zone: %w", err)
	}
	if z.ID == "" {
		z.ID = s.newID("Z")
	}
	if s.zone(z.ID) != nil {
		return "", fmt.Errorf("adding the zone %s: there is a zone with the ID %s", z.Name, z.ID)
	}
	added := &zone{Zone: z}
	first := newState(nil)
	first.put(Simple(z.Name, "NS", 172800, nameServers...))
	first.put(Simple(z.Name, "SOA", 900, nameServers[0]+" awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"))
	var changes []batchChange
	for _, r := range z.Records {
		changes = append(changes, batchChange{Action: "CREATE", ResourceRecordSet: r})
	}
	next, messages := added.apply(first, changes)
	if messages != nil {
		return "", fmt.Errorf("adding the zone %s: %v", z.Name, messages)
	}
	next.settle(z.Name, make([]time.Time, len(s.delays))) // long ago
	added.states = []*state{next}
	s.zones = append(s.zones, added)
	return z.ID, nil
}

// Put upserts record sets of the zone at once at all authoritative servers.
func (s *Server) Put(zoneID string, sets ...RecordSet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.upsert(zoneID, sets, make([]time.Duration, len(s.delays)))
	return err
}

// Change upserts record sets of the zone as a call of the API would, and
// returns the time at which it will be INSYNC.
func (s *Server) Change(zoneID string, sets ...RecordSet) (everywhere time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.upsert(zoneID, sets, s.delays)
}

// upsert needs mu.
func (s *Server) upsert(zoneID string, sets []RecordSet, delays []time.Duration) (time.Time, error) {
	z := s.zone(zoneID)
	if z == nil {
		return time.Time{}, fmt.Errorf("changing records: no zone %s", zoneID)
	}
	var changes []batchChange
	for _, r := range sets {
		changes = append(changes, batchChange{Action: "UPSERT", ResourceRecordSet: r})
	}
	next, messages := z.apply(z.now(), changes)
	if messages != nil {
		return time.Time{}, fmt.Errorf("changing records of the zone %s: %v", z.Name, messages)
	}
	z.follow(next, s.options.Clock(), delays)
	return next.everywhere(), nil
}

// zone needs mu. It returns nil if there is none.
func (s *Server) zone(id string) *zone {
	for _, z := range s.zones {
		if z.ID == id {
			return z
		}
	}
	return nil
}

// newID needs mu.
func (s *Server) newID(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%013d", prefix, s.serial)
}

func (z *zone) private() bool { return len(z.VPCs) > 0 }

// now is what the API shows.
func (z *zone) now() *state { return z.states[len(z.states)-1] }

// sorted returns the zone's record sets in the API's order.
func (z *zone) sorted() []RecordSet {
	return slices.SortedFunc(maps.Values(z.now().sets), compareSets)
}

// follow adds a state, which reaches each server after its delay, and never
// before an earlier one.
func (z *zone) follow(next *state, at time.Time, delays []time.Duration) {
	arrived := make([]time.Time, len(delays))
	for i, d := range delays {
		arrived[i] = at.Add(d)
		if before := z.now().arrival(i); arrived[i].Before(before) {
			arrived[i] = before
		}
	}
	next.settle(z.Name, arrived)
	for len(z.states) > 1 && at.Sub(z.states[1].everywhere()) > memory {
		z.states = z.states[1:]
	}
	z.states = append(z.states, next)
}

// newState returns a copy of the sets, to be changed until it settles.
func newState(sets map[key]RecordSet) *state {
	next := &state{sets: maps.Clone(sets)}
	if next.sets == nil {
		next.sets = map[key]RecordSet{}
	}
	return next
}

func (st *state) put(r RecordSet) { st.sets[keyOf(r)] = r }

// settle ends the changes of a state.
func (st *state) settle(apex string, arrived []time.Time) {
	st.arrived = arrived
	st.names = map[string]bool{}
	for k := range st.sets {
		for name := k.name; within(name, apex) && !st.names[name]; name = parent(name) {
			st.names[name] = true
		}
	}
}

// arrival is when the server has the state: long ago if it is newer itself.
func (st *state) arrival(server int) time.Time {
	if server >= len(st.arrived) {
		return time.Time{}
	}
	return st.arrived[server]
}

// everywhere is when the last server has the state.
func (st *state) everywhere() time.Time {
	last := st.arrived[0]
	for _, t := range st.arrived {
		if t.After(last) {
			last = t
		}
	}
	return last
}
