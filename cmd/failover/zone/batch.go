package zone

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// changeBatch is the JSON of aws route53 change-resource-record-sets.
type changeBatch struct {
	Comment string        `json:",omitempty"`
	Changes []batchChange `json:",omitempty"`
}

type batchChange struct {
	Action            string
	ResourceRecordSet batchSet
}

type batchSet struct {
	Name            string
	Type            string
	TTL             *int64        `json:",omitempty"`
	ResourceRecords []batchRecord `json:",omitempty"`
	HealthCheckId   string        `json:",omitempty"`

	// What is not switched here.
	SetIdentifier, Weight, Region, GeoLocation, GeoProximityLocation, Failover,
	MultiValueAnswer, AliasTarget, TrafficPolicyInstanceId, CidrRoutingConfig json.RawMessage `json:",omitempty"`
}

type batchRecord struct{ Value string }

// batchJSON writes a batch as aws takes it.
func batchJSON(b types.ChangeBatch) string {
	out := changeBatch{Comment: value(b.Comment)}
	for _, c := range b.Changes {
		s := c.ResourceRecordSet
		set := batchSet{Name: shown(value(s.Name)), Type: string(s.Type), TTL: s.TTL, HealthCheckId: value(s.HealthCheckId)}
		for _, r := range s.ResourceRecords {
			set.ResourceRecords = append(set.ResourceRecords, batchRecord{value(r.Value)})
		}
		out.Changes = append(out.Changes, batchChange{string(c.Action), set})
	}
	text, _ := json.MarshalIndent(out, "", "  ") // strings and numbers can be written
	return string(text)
}

// maxBatch is what a file may have: the API takes 32,000 characters of values.
const maxBatch = 1 << 20

// ReadBatch reads the change in a file as aws route53 change-resource-record-sets
// takes it: a path, file://PATH, or the JSON itself. It must be one UPSERT of a
// simple A or AAAA record.
func ReadBatch(arg string) (Change, error) {
	text, err := batchText(arg)
	if err != nil {
		return Change{}, &failure{kind: ErrRefused, cause: err, text: fmt.Sprintf("reading the change batch: %v", err), answered: true}
	}
	c, err := parseBatch(text)
	if err != nil {
		return Change{}, &failure{kind: ErrRefused, cause: err, text: fmt.Sprintf("the change batch %s cannot be switched: %v", batchName(arg), err), answered: true}
	}
	return c, c.check()
}

func batchName(arg string) string {
	if strings.HasPrefix(strings.TrimSpace(arg), "{") {
		return "of the command line"
	}
	return arg
}

func batchText(arg string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(arg), "{") {
		return []byte(arg), nil
	}
	path, isURL := strings.CutPrefix(arg, "file://")
	if home, err := os.UserHomeDir(); err == nil && isURL && strings.HasPrefix(path, "~/") { // as aws does
		path = filepath.Join(home, path[2:])
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxBatch {
		return nil, fmt.Errorf("%s has more than %d octets", path, maxBatch)
	}
	return os.ReadFile(path)
}

func parseBatch(text []byte) (Change, error) {
	var b changeBatch
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) // that Windows puts there
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return Change{}, fmt.Errorf("it is no JSON of a change batch: %w", err)
	}
	if d.More() {
		return Change{}, fmt.Errorf("something follows its JSON")
	}
	if len(b.Changes) != 1 {
		return Change{}, fmt.Errorf("it has %d changes, and only one can be switched; for others use aws route53", len(b.Changes))
	}
	c, err := b.Changes[0].change()
	c.Comment = b.Comment
	return c, err
}

func (b batchChange) change() (Change, error) {
	s := b.ResourceRecordSet
	c := Change{Name: s.Name}
	switch {
	case b.Action != string(types.ChangeActionUpsert):
		return c, fmt.Errorf("its action is %q, and only UPSERT can be switched; for others use aws route53", b.Action)
	case s.Name == "":
		return c, fmt.Errorf("it has no name")
	case s.Type != string(types.RRTypeA) && s.Type != string(types.RRTypeAaaa):
		return c, fmt.Errorf("its type is %q, and only A and AAAA can be switched", s.Type)
	case s.kind() != "":
		return c, fmt.Errorf("it has %s, and only simple records can be switched", s.kind())
	case s.TTL == nil:
		return c, fmt.Errorf("it has no TTL")
	case *s.TTL < 0 || *s.TTL > maxTTL:
		return c, fmt.Errorf("its TTL is %d, not 0 to %d", *s.TTL, maxTTL)
	}
	c.TTL = uint32(*s.TTL)
	return c, s.addresses(&c)
}

// kind names the first element that makes it more than a simple record.
func (s batchSet) kind() string {
	for _, e := range []struct {
		name  string
		given bool
	}{
		{"SetIdentifier", s.SetIdentifier != nil}, {"Weight", s.Weight != nil}, {"Region", s.Region != nil},
		{"GeoLocation", s.GeoLocation != nil}, {"GeoProximityLocation", s.GeoProximityLocation != nil},
		{"Failover", s.Failover != nil}, {"MultiValueAnswer", s.MultiValueAnswer != nil},
		{"AliasTarget", s.AliasTarget != nil}, {"TrafficPolicyInstanceId", s.TrafficPolicyInstanceId != nil},
		{"CidrRoutingConfig", s.CidrRoutingConfig != nil}, {"HealthCheckId", s.HealthCheckId != ""},
	} {
		if e.given {
			return e.name
		}
	}
	return ""
}

// addresses reads the values.
func (s batchSet) addresses(c *Change) error {
	for _, r := range s.ResourceRecords {
		a, err := netip.ParseAddr(r.Value)
		if err != nil || a.Is6() != (s.Type == string(types.RRTypeAaaa)) {
			return fmt.Errorf("%q is no address of an %s record", r.Value, s.Type)
		}
		c.Addresses = append(c.Addresses, a)
	}
	if len(c.Addresses) == 0 {
		return fmt.Errorf("it has no address")
	}
	return nil
}
