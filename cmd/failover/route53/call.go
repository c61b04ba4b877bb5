package route53

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// action is one operation of the API.
type action struct {
	name   string
	method string
	path   []string // "*" is an ID
	do     func(*call) (any, *Error)
}

// table has what the API can do.
func (s *Server) table() []action {
	return []action{
		{"ChangeResourceRecordSets", http.MethodPost, []string{"hostedzone", "*", "rrset"}, s.changeRecordSets},
		{"ListResourceRecordSets", http.MethodGet, []string{"hostedzone", "*", "rrset"}, s.listRecordSets},
		{"GetChange", http.MethodGet, []string{"change", "*"}, s.getChange},
		{"GetHostedZone", http.MethodGet, []string{"hostedzone", "*"}, s.getZone},
		{"ListHostedZones", http.MethodGet, []string{"hostedzone"}, s.listZones},
		{"ListHostedZonesByName", http.MethodGet, []string{"hostedzonesbyname"}, s.listZonesByName},
		{"ListHostedZonesByVPC", http.MethodGet, []string{"hostedzonesbyvpc"}, s.listZonesByVPC},
		{"ListTagsForResource", http.MethodGet, []string{"tags", "hostedzone", "*"}, s.listTags},
	}
}

// call is one request.
type call struct {
	action    action
	id        string // in its path
	query     url.Values
	body      []byte
	requestID string
}

// Request is one that arrived.
type Request struct {
	At     time.Time
	Action string // as ChangeResourceRecordSets
	ID     string // of its zone or change
	Code   string // of the error that it got, if any
}

// maxRequests are kept at most, and the newest half of them at least.
const maxRequests = 1 << 16

// Requests returns those that arrived, of one action or, with "", of all.
func (s *Server) Requests(action string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r Request) bool { return action != "" && r.Action != action })
}

// maxBody is far above what 1000 records take, in octets.
const maxBody = 4 << 20

// ServeHTTP answers one request, or does not, as its fault has it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := s.parse(w, r)
	if !ok {
		return
	}
	fault := s.faultOf(c.action.name)
	if fault.Delay > 0 && !s.wait(r, fault.Delay) {
		return
	}
	reply, e := any(nil), s.unwilling(c, r, fault)
	if e == nil {
		reply, e = s.do(c)
	}
	s.note(c, e)
	s.send(w, r, c, fault, reply, e)
}

func (s *Server) parse(w http.ResponseWriter, r *http.Request) (*call, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return nil, false
	}
	s.mu.Lock()
	c := &call{query: r.URL.Query(), body: body, requestID: s.newID("request-")}
	s.mu.Unlock()
	for _, c.action = range s.actions {
		if id, ok := c.action.takes(r); ok {
			c.id = id
			return c, true
		}
	}
	http.Error(w, "<UnknownOperationException/>", http.StatusNotFound)
	return nil, false
}

// takes reports whether the request is for the action, and returns its ID.
func (a action) takes(r *http.Request) (id string, ok bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != a.method || len(parts) != len(a.path)+1 || parts[0] != "2013-04-01" {
		return "", false
	}
	for i, want := range a.path {
		if want == "*" {
			id = parts[i+1]
		} else if want != parts[i+1] {
			return "", false
		}
	}
	return id, true
}

// unwilling is why the request is not even looked at.
func (s *Server) unwilling(c *call, r *http.Request, fault Fault) *Error {
	if e := s.unsigned(c, r); e != nil {
		return e
	}
	if code := fault.instead(c.action); code != "" {
		return s.refusal(code, c)
	}
	if !s.throttle.allows(c.action.name, s.options) {
		return s.refusal("Throttling", c)
	}
	return nil
}

func (s *Server) do(c *call) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.action.do(c)
}

func (s *Server) note(c *call, e *Error) {
	request := Request{At: s.options.Clock(), Action: c.action.name, ID: c.id}
	if e != nil {
		request.Code = e.Code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == maxRequests {
		s.requests = slices.Delete(s.requests, 0, maxRequests/2)
	}
	s.requests = append(s.requests, request)
}

// decode reads the body, which has that root.
func (c *call) decode(root string, into any) *Error {
	decoder := xml.NewDecoder(bytes.NewReader(c.body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return invalidInput("Invalid XML ; %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name != (xml.Name{Space: namespace, Local: root}) {
			return invalidInput("Invalid XML ; cvc-elt.1: Cannot find the declaration of element '%s'.", start.Name.Local)
		}
		if err := decoder.DecodeElement(into, &start); err != nil {
			return invalidInput("Invalid XML ; %v", err)
		}
		return nil
	}
}

// encode writes a document as the API does. A reply has the root of its action.
func (c *call) encode(document any, e *Error) []byte {
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0"?>` + "\n")
	encoder := xml.NewEncoder(&out)
	var err error
	if e != nil {
		err = encoder.Encode(document)
	} else {
		root := xml.StartElement{Name: xml.Name{Space: namespace, Local: c.action.name + "Response"}}
		err = encoder.EncodeElement(document, root)
	}
	if err != nil {
		panic(fmt.Sprintf("writing a %s: %v", c.action.name, err)) // its types are ours
	}
	return out.Bytes()
}

// resource is what the call is about, as IAM names it.
func (c *call) resource() string {
	switch {
	case c.id == "":
		return "*"
	case c.action.name == "GetChange":
		return "arn:aws:route53:::change/" + c.id
	}
	return "arn:aws:route53:::hostedzone/" + c.id
}

// pageSize is the most items of a page, and how many are asked for.
func (c *call) pageSize(most int) (int, *Error) {
	text := c.query.Get("maxitems")
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, invalidInput("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy constraint: Member must be a positive number", text)
	}
	return min(n, most), nil
}
