package page

import (
	"time"

	"vpcdns/forwarder/watch"
)

// Version is that of the document's form: fields are added without a new one.
const Version = 1

// Document is how a forwarder is. Times are in UTC with milliseconds, durations in
// seconds, addresses in BIND's way (10.0.0.1#53). A list that is bounded says how
// many it leaves out.
type Document struct {
	Version       int                    `json:"version"`   // of this form: fields are added without a new one
	Now           time.Time              `json:"now"`       // when it was made
	Server        Server                 `json:"server"`    // the process
	Queries       Queries                `json:"queries"`   // of clients
	Latency       Latency                `json:"latency"`   // of answers to clients
	Upstreams     []Upstream             `json:"upstreams"` // 100 at most
	Budgets       []Budget               `json:"budgets"`   // by interface
	Cache         Cache                  `json:"cache"`
	Watch         Watch                  `json:"watch"`             // what is followed
	Names         []Name                 `json:"names"`             // the failover view: 50 at most, those in trouble or changing first, then those that changed in the last 15 minutes, then those watched by themselves
	NamesMore     int                    `json:"names_more"`        // that the list leaves out
	Changes       []watch.Change         `json:"changes"`           // of all names, the newest first, 50 at most
	Overrides     []watch.OverrideStatus `json:"overrides"`         // in force, 50 at most
	OverridesMore int                    `json:"overrides_more"`    // that the list leaves out
	Peers         []Peer                 `json:"peers"`             // of --peer
	Members       *Members               `json:"members,omitempty"` // of --member; absent without
	Config        Config                 `json:"config"`
	Clients       Clients                `json:"clients"`  // who asks
	Hot           []Hot                  `json:"hot"`      // names that clients have asked for most in the last minutes, 20 at most
	Troubles      []Trouble              `json:"troubles"` // what is wrong, the oldest first, 100 at most
	Failing       []Failing              `json:"failing"`  // zones of which queries failed in the last minute
	Logs          []Log                  `json:"logs"`     // channels of the log
	Viewers       Viewers                `json:"viewers"`  // who has the page open
	Point         Point                  `json:"point"`    // what the charts have got last: where its time is not later than the one before, or later by seconds, the clock was set, and /api/v1/history is to be read again
}

// Server is the process.
type Server struct {
	Name     string    `json:"name"`    // the host's
	Version  string    `json:"version"` // of the program
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`  // when the server was
	State    string    `json:"state"`    // starting, serving, draining or ending
	Reasons  []string  `json:"reasons"`  // why queries had better go elsewhere, as /readyz says
	Served   []string  `json:"served"`   // addresses
	Unserved []string  `json:"unserved"` // addresses of the configuration that could not be had
}

// Queries are those of clients. Counters are since the start, as the metrics'.
type Queries struct {
	PerSecond  PerSecond         `json:"per_second"` // replies
	HitRatio   float64           `json:"hit_ratio"`  // share of the last minute that the cache answered of what it might have, 0 to 1
	Total      uint64            `json:"total"`      // replies; the sum of forwarder_queries_total
	BySource   map[string]uint64 `json:"by_source"`  // replies by source: hit, miss, stale, joined, local, refused, failed, override
	ByRcode    map[string]uint64 `json:"by_rcode"`   // replies by response code
	Refused    uint64            `json:"refused"`    // by an access list
	Malformed  uint64            `json:"malformed"`  // with a fault, answered or not
	Dropped    uint64            `json:"dropped"`    // datagrams without a reply by policy
	Limited    uint64            `json:"limited"`    // of these, by rate-limit
	Slipped    uint64            `json:"slipped"`    // replies that rate-limit cut to a header with TC
	Overflowed uint64            `json:"overflowed"` // dropped from the full queue to upstream
	Lost       uint64            `json:"lost"`       // datagrams that the kernel dropped as the receive buffer was full
	Pending    int               `json:"pending"`    // questions that are being asked upstream
}

// PerSecond are replies a second, over the last 1, 10 and 60 seconds.
type PerSecond struct {
	Last1  float64 `json:"1s"`  // in the last full second
	Last10 float64 `json:"10s"` // over the last ten
	Last60 float64 `json:"60s"` // over the last minute
}

// Latency is how long answers took in the last minute.
type Latency struct {
	Clients map[string]Quantiles `json:"clients"` // by source; of the last minute
}

// Quantiles are of durations in seconds; all are 0 where there is no sample.
type Quantiles struct {
	P50     float64 `json:"p50"`     // median, s, estimated from a histogram as Prometheus does
	P90     float64 `json:"p90"`     // s
	P99     float64 `json:"p99"`     // s
	Samples uint64  `json:"samples"` // 0: the others say nothing
}

// Upstream is a server that is asked. Counters are since the servers changed last.
type Upstream struct {
	Server   string    `json:"server"`   // address
	Zones    []string  `json:"zones"`    // that it is asked for, 10 at most
	State    string    `json:"state"`    // up, failing or down
	Since    time.Time `json:"since"`    // when it became so
	RTT      float64   `json:"rtt"`      // smoothed, s; 0 is unknown
	Latency  Quantiles `json:"latency"`  // round trip times of the last minute
	Sent     uint64    `json:"sent"`     // tries
	Answered uint64    `json:"answered"` // tries, late answers included
	Timeouts uint64    `json:"timeouts"` // tries whose time was over
	Failures uint64    `json:"failures"` // answers that were failures: SERVFAIL, REFUSED …
	Pending  int       `json:"pending"`  // tries that have no answer yet
}

// Budget is what may leave by an interface each second.
type Budget struct {
	Interface string `json:"interface"` // "" where there is one only; ens5+ens6 where either may be used
	Limit     int    `json:"limit"`     // packets a second; 0 is none
	Sent      uint64 `json:"sent"`      // packets in the last second
	Waiting   int    `json:"waiting"`   // questions that wait for packets
	Refused   uint64 `json:"refused"`   // questions that got none in the last second
}

// Cache is what is kept of answers.
type Cache struct {
	Entries   int    `json:"entries"`   // answers
	Bytes     int64  `json:"bytes"`     // of memory
	MaxBytes  int64  `json:"max_bytes"` // max-cache-size; 0 is no limit
	Evictions uint64 `json:"evictions"` // for want of room
}

// Watch counts what is followed.
type Watch struct {
	Watching      []string `json:"watching"`      // names and patterns that are watched, 100 at most
	WatchingMore  int      `json:"watching_more"` // that the list leaves out
	Watched       int      `json:"watched"`       // names that are watched, those of patterns as far as they have data
	Names         int      `json:"names"`         // of which something is known
	Overrides     int      `json:"overrides"`     // in force
	Guards        int      `json:"guards"`        // that run
	Verifications int      `json:"verifications"` // that run
	Probes        int      `json:"probes"`        // names whose zone is asked past all caches
	CameBack      int      `json:"came_back"`     // answers with earlier data that guards which run have refused
	Changes       uint64   `json:"changes"`       // of watched names
	Refused       uint64   `json:"refused"`       // answers that guards refused
}

// Name is one name of the failover view.
type Name struct {
	watch.Status
	Cached []Cached  `json:"cached"` // answers of these types that the cache has
	Strip  []Segment `json:"strip"`  // the last 15 minutes, by type and time: what clients were given, looked at once a second. A restart begins it anew
}

// Cached is the cache's answer for one type.
type Cached struct {
	Type    string    `json:"type"`
	Expires time.Time `json:"expires"` // when upstream's TTL ends: it is asked again then, if anybody asks
}

// Segment is a time during which clients were given one thing.
type Segment struct {
	Type  string    `json:"type"`
	From  time.Time `json:"from"`  // when it was first seen
	Until time.Time `json:"until"` // when it was last seen
	Data  []string  `json:"data"`  // 4 records at most
	More  int       `json:"more"`  // records that are left out
	Why   string    `json:"why"`   // who said so: upstream, probe, override, guard (what came last, while earlier data is refused), unknown (no answer yet)
}

// Peer is the other forwarder of a pair.
type Peer struct {
	Address         string     `json:"address"`
	State           string     `json:"state"`            // waiting (no answer yet), agrees, disagrees or down
	Fault           string     `json:"fault"`            // what it does while it is down: "does not answer"; "" else
	Since           time.Time  `json:"since"`            // when it became so
	Last            time.Time  `json:"last,omitzero"`    // latest answer that could be compared
	RTT             float64    `json:"rtt"`              // smoothed, s
	Names           int        `json:"names"`            // names and types that it is asked for
	Compared        int        `json:"compared"`         // of them, those of which both have an answer now
	Disagreeing     []PeerName `json:"disagreeing"`      // 50 at most
	DisagreeingMore int        `json:"disagreeing_more"` // that the list leaves out
	Given           []PeerName `json:"given"`            // what it gives for each, 50 at most
	GivenMore       int        `json:"given_more"`       // that the list leaves out
}

// PeerName is what both give for a name.
type PeerName struct {
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Ours   []string  `json:"ours"`           // what is given here
	Theirs []string  `json:"theirs"`         // what is given there, or was while it is down; of a name overridden here only, which it has not cached, what upstream says
	State  string    `json:"state"`          // agrees, differs (explained by TTLs so far), disagrees, unknown (one of the two does not know) or varies (upstream gives other data by turns)
	Since  time.Time `json:"since,omitzero"` // when the difference began; absent: there is none
	At     time.Time `json:"at,omitzero"`    // of the peer's latest answer
	Fault  string    `json:"fault"`          // what the peer answers in place of data, while the state is unknown: a response code, or words
}

// Members are the other forwarders of a fleet.
type Members struct {
	Known     int       `json:"known"`         // others at the last look-up
	Answered  int       `json:"answered"`      // of them, the last time
	Fetches   uint64    `json:"fetches"`       // exports that were asked for
	Failures  uint64    `json:"failures"`      // of them, those that were not had
	Last      time.Time `json:"last,omitzero"` // when one was had; absent: none was
	From      string    `json:"from"`          // address that answered last
	Asking    bool      `json:"asking"`        // whether this goes on
	NotReady  string    `json:"not_ready"`     // what is waited for; "" is nothing
	Overrides uint64    `json:"overrides"`     // taken over
	Watches   uint64    `json:"watches"`       // taken over
	Guards    uint64    `json:"guards"`        // taken over
	Ended     uint64    `json:"ended"`         // overrides and watches that ended here since they were ended there
}

// Config is the configuration, and what became of the last reload.
type Config struct {
	File         string    `json:"file"`          // path of named.conf
	Loaded       time.Time `json:"loaded"`        // when the one in force was
	OK           bool      `json:"ok"`            // whether the last attempt succeeded
	At           time.Time `json:"at,omitzero"`   // when that was; absent: the start
	Said         string    `json:"said"`          // what it said; "" at the start
	Succeeded    uint64    `json:"succeeded"`     // reloads
	Failed       uint64    `json:"failed"`        // reloads
	Warnings     []string  `json:"warnings"`      // of the file in force: FILE:LINE:COL: message, 100 at most
	WarningsMore int       `json:"warnings_more"` // that the list leaves out
	Errors       []string  `json:"errors"`        // of the file that could not be loaded, likewise
	ErrorsMore   int       `json:"errors_more"`   // that the list leaves out
}

// Clients are who asks.
type Clients struct {
	Shown    bool           `json:"shown"`    // whether addresses are (--status-clients); else client is absent everywhere, and of who set an override the key is left
	Distinct int            `json:"distinct"` // of the last minute, about
	TCP      int            `json:"tcp"`      // connections
	Refused  RefusedClients `json:"refused"`  // by an access list
	Busiest  []Client       `json:"busiest"`  // of the last minutes, with their queries a minute, 20 at most
}

// RefusedClients are whom the access lists turn away.
type RefusedClients struct {
	Total   uint64   `json:"total"`   // queries
	Clients []Client `json:"clients"` // since the start, 20 at most
}

// Client is one address.
type Client struct {
	Client string    `json:"client,omitempty"` // address
	Count  uint64    `json:"count"`            // queries
	Last   time.Time `json:"last,omitzero"`    // the latest of them
}

// Hot is a name that is asked for often.
type Hot struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	PerSecond float64 `json:"per_second"` // queries, by estimate
	Share     float64 `json:"share"`      // of all queries, 0 to 1
}

// Trouble is something that is wrong.
type Trouble struct {
	Kind    string    `json:"kind"`    // outage, failures, slow, budget … as forwarder_trouble has it
	Subject string    `json:"subject"` // server, zone, interface, address or file; "" where there is one only
	Since   time.Time `json:"since"`
	Now     bool      `json:"now"`     // false: it comes and goes, and is gone at the moment
	Text    string    `json:"text"`    // as the log has it
	Queries uint64    `json:"queries"` // of the zones that it concerns since then
	Failed  uint64    `json:"failed"`  // of them
	Clients int       `json:"clients"` // whose queries failed, about
}

// Failing is a zone of which queries failed in the last minute.
type Failing struct {
	Zone    string `json:"zone"`
	Queries uint64 `json:"queries"`
	Failed  uint64 `json:"failed"`  // with SERVFAIL, or without a reply
	Clients int    `json:"clients"` // whose queries failed, about
}

// Log is a channel of the log, and how many lines it has lost.
type Log struct {
	Channel string `json:"channel"`
	Lost    uint64 `json:"lost"` // lines
}

// Viewers are who has the page open.
type Viewers struct {
	Open    int    `json:"open"`
	Most    int    `json:"most"`
	Dropped uint64 `json:"dropped"` // that were too slow
}

// Point is a moment of the charts. A column that is not there had no value.
type Point struct {
	Time    time.Time          `json:"time"`
	Columns map[string]float64 `json:"columns"` // by name, as in the history; one that is not there has no value
}

// History is the last 15 minutes for the charts. All columns are as long as Times; a
// null is a moment without a value.
type History struct {
	Version int                   `json:"version"` // as the document's
	Now     time.Time             `json:"now"`
	Times   []float64             `json:"times"`   // Unix time of each point, s, ascending
	Columns map[string][]*float64 `json:"columns"` // as long as times; null is no value
}
