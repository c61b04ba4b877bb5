package route53

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// change is an accepted batch.
type change struct {
	info       ChangeInfo
	everywhere time.Time
}

// ChangeInfo tells how far a change is.
type ChangeInfo struct {
	Id          string
	Status      string // PENDING or INSYNC
	SubmittedAt timestamp
	Comment     string `xml:",omitempty"`
}

// timestamp is written as the API does.
type timestamp time.Time

func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

type changeRequest struct {
	ChangeBatch changeBatch
	Unknown     []element `xml:",any"`
}

type changeBatch struct {
	Comment string
	Changes []batchChange `xml:"Changes>Change"`
	Unknown []element     `xml:",any"`
}

type batchChange struct {
	Action            string
	ResourceRecordSet RecordSet
	Unknown           []element `xml:",any"`
}

// changeRecordSets accepts a batch as a whole, or refuses it.
func (s *Server) changeRecordSets(c *call) (any, *Error) {
	var request changeRequest
	if e := c.decode("ChangeResourceRecordSetsRequest", &request); e != nil {
		return nil, e
	}
	z := s.zone(c.id)
	if z == nil {
		return nil, noSuchZone(c.id)
	}
	if e := wellFormed(request); e != nil {
		return nil, e
	}
	now := s.options.Clock()
	if now.Before(z.busy) {
		return nil, s.refusal("PriorRequestNotComplete", c)
	}
	next, messages := z.apply(z.now(), request.ChangeBatch.Changes)
	if messages != nil {
		return nil, &Error{Code: "InvalidChangeBatch", Messages: messages}
	}
	z.busy = now.Add(s.options.Prepare)
	z.follow(next, now, s.delays)
	id := s.newID("C")
	info := ChangeInfo{Id: "/change/" + id, Status: "PENDING", SubmittedAt: timestamp(now), Comment: request.ChangeBatch.Comment}
	s.changes[id] = &change{info, next.everywhere()}
	return struct{ ChangeInfo ChangeInfo }{info}, nil
}

// getChange tells whether all servers have it.
func (s *Server) getChange(c *call) (any, *Error) {
	found := s.changes[c.id]
	if found == nil {
		return nil, &Error{Code: "NoSuchChange", Status: http.StatusNotFound, Message: "Could not find resource with ID: " + c.id}
	}
	info := found.info
	if !s.options.Clock().Before(found.everywhere) {
		info.Status = "INSYNC"
	}
	return struct{ ChangeInfo ChangeInfo }{info}, nil
}

// apply returns the zone's sets as the changes make them, or all that is wrong
// with the changes, in AWS's words.
func (z *zone) apply(from *state, changes []batchChange) (*state, []string) {
	next := newState(from.sets)
	var messages []string
	puts := map[key]int{}
	for _, c := range changes {
		r := c.ResourceRecordSet
		message := z.normalise(&r)
		if message == "" {
			message = next.change(c.Action, r)
		}
		if message != "" {
			messages = append(messages, message)
			continue
		}
		if c.Action != "DELETE" {
			puts[keyOf(r)]++
		}
	}
	for k, times := range puts {
		messages = append(messages, z.conflicts(next, next.sets[k], times)...)
	}
	messages = append(messages, z.essentials(next)...)
	slices.Sort(messages) // the map has no order
	return next, messages
}

// change makes one change, and returns what is wrong with it.
func (st *state) change(action string, r RecordSet) string {
	has, exists := st.sets[keyOf(r)]
	switch {
	case action == "CREATE" && exists:
		return fmt.Sprintf("Tried to create resource record set %s but it already exists", title(r))
	case action == "DELETE" && !exists:
		return fmt.Sprintf("Tried to delete resource record set %s but it was not found", title(r))
	case action == "DELETE" && !has.equal(r):
		return fmt.Sprintf("Tried to delete resource record set %s but the values provided do not match the current values", title(r))
	case action == "DELETE":
		delete(st.sets, keyOf(r))
	default:
		st.put(r)
	}
	return ""
}

// title names a set as AWS's messages do.
func title(r RecordSet) string {
	if r.SetIdentifier != "" {
		return fmt.Sprintf("[name='%s', type='%s', set-identifier='%s']", r.Name, r.Type, r.SetIdentifier)
	}
	return fmt.Sprintf("[name='%s', type='%s']", r.Name, r.Type)
}
