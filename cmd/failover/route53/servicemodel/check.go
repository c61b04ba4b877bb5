package servicemodel

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request returns what is wrong with a request, nothing if it is as the model
// has it.
func (m *Model) Request(method string, u *url.URL, body []byte) []string {
	op, err := m.find(method, u.Path)
	if err != nil {
		return []string{err.Error()}
	}
	w := &walk{model: m}
	shape := m.Shapes[op.Input.Shape]
	w.query(op.Name, u.Query(), shape)
	w.path(op, u.Path, shape)
	if op.Input.LocationName == "" { // nothing but parameters
		if len(body) > 0 {
			w.note(op.Name, "a body of %d octets, want none", len(body))
		}
		return w.problems
	}
	w.document(op.Input.LocationName, body, op.Input.Shape)
	return w.problems
}

// Reply returns what is wrong with the reply to a request.
func (m *Model) Reply(method string, u *url.URL, status int, body []byte) []string {
	op, err := m.find(method, u.Path)
	if err != nil {
		return []string{err.Error()}
	}
	w := &walk{model: m}
	if status < http.StatusBadRequest {
		w.document(op.Output.Shape, body, op.Output.Shape)
	} else {
		w.failure(op, status, body)
	}
	return w.problems
}

func (w *walk) document(root string, body []byte, shape string) {
	n, err := parse(body)
	switch {
	case err != nil:
		w.note(root, "%v", err)
	case n.name != root:
		w.note(root, "the root is %s", n.name)
	default:
		w.element(root, n, shape)
	}
}

func (w *walk) query(path string, query url.Values, shape Shape) {
	for name, values := range query {
		member, ok := shape.parameter("querystring", name)
		if !ok {
			w.note(path, "the parameter %s is not known", name)
			continue
		}
		if len(values) != 1 {
			w.note(path, "the parameter %s is there %d times", name, len(values))
		}
		w.value(path+"?"+name, values[0], w.model.Shapes[member.Shape])
	}
	for _, name := range shape.Required {
		member := shape.Members[name]
		if member.Location == "querystring" && !query.Has(member.LocationName) {
			w.note(path, "the parameter %s is missing", member.LocationName)
		}
	}
}

// path looks at the values in the request's path.
func (w *walk) path(op Operation, path string, shape Shape) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range strings.Split(strings.Trim(op.HTTP.RequestURI, "/"), "/") {
		name, ok := strings.CutPrefix(part, "{")
		if !ok {
			continue
		}
		member, ok := shape.parameter("uri", strings.TrimSuffix(name, "}"))
		if !ok {
			w.note(op.Name, "the model has no shape for %s", part)
			continue
		}
		w.value(op.Name+part, parts[i], w.model.Shapes[member.Shape])
	}
}

func (s Shape) parameter(location, name string) (Member, bool) {
	for _, member := range s.Members {
		if member.Location == location && member.LocationName == name {
			return member, true
		}
	}
	return Member{}, false
}

// common are errors that the model lists for no operation: Route 53 API
// Reference, Common Errors, and the statuses that it gives them there.
var common = map[string]int{
	"AccessDenied": 403, "ExpiredToken": 403, "InvalidClientTokenId": 403, "MissingAuthenticationToken": 403,
	"SignatureDoesNotMatch": 403, "Throttling": 400, "InternalFailure": 500, "ServiceUnavailable": 503, "RequestExpired": 400,
}

// failure looks at an error, which has one of two forms.
func (w *walk) failure(op Operation, status int, body []byte) {
	n, err := parse(body)
	switch {
	case err != nil:
		w.note("error", "%v", err)
	case n.name == "InvalidChangeBatch":
		w.code(op, n.name, status)
		n.children = slices.DeleteFunc(n.children, func(c *node) bool { return c.name == "RequestId" })
		rename(n, "Messages", "messages")
		w.element(n.name, n, n.name)
	case n.name == "ErrorResponse":
		w.errorResponse(op, n, status)
	default:
		w.note("error", "the root is %s", n.name)
	}
}

// rename gives the element the name of its member: the service's documents
// have a capital where the model has none.
func rename(n *node, from, to string) {
	for _, c := range n.children {
		if c.name == from {
			c.name = to
		}
	}
}

func (w *walk) errorResponse(op Operation, n *node, status int) {
	text := map[string]string{}
	for _, c := range n.children {
		text[c.name] += "."
		for _, detail := range c.children {
			text[detail.name] += detail.text
		}
	}
	for _, name := range []string{"Error", "RequestId", "Type", "Code", "Message"} {
		if text[name] == "" {
			w.note("ErrorResponse", "%s is missing", name)
		}
	}
	if len(text) != 5 || len(n.children) != 2 {
		w.note("ErrorResponse", "has %d kinds of elements, want 5", len(text))
	}
	if blame := text["Type"]; blame != "Sender" && blame != "Receiver" {
		w.note("ErrorResponse", "Type %q, want Sender or Receiver", blame)
	}
	w.code(op, text["Code"], status)
}

// code holds an error's code and status against the model's list.
func (w *walk) code(op Operation, code string, status int) {
	want, ok := common[code]
	for _, e := range op.Errors {
		if e.Shape == code {
			ok = true
			want = w.model.Shapes[code].Error.HTTPStatusCode
		}
	}
	if want == 0 {
		want = http.StatusBadRequest // where the model says nothing
	}
	if !ok {
		w.note(op.Name, "the error %s is not one of its errors", code)
	} else if status != want {
		w.note(op.Name, "the error %s has the status %d, want %d", code, status, want)
	}
}
