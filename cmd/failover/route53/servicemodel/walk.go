package servicemodel

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// namespace is that of every document.
const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

// node is an element.
type node struct {
	name     string
	space    string
	text     string
	children []*node
}

// parse reads a whole document.
func parse(document []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(document))
	top := &node{}
	open := []*node{top}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			child := &node{name: token.Name.Local, space: token.Name.Space}
			last.children = append(last.children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(token)
		}
	}
	if len(top.children) != 1 {
		return nil, fmt.Errorf("it has %d roots, want 1", len(top.children))
	}
	return top.children[0], nil
}

// walk notes what is wrong with the elements of one document.
type walk struct {
	model    *Model
	problems []string
}

func (w *walk) note(path, format string, args ...any) {
	w.problems = append(w.problems, path+": "+fmt.Sprintf(format, args...))
}

func (w *walk) element(path string, n *node, shapeName string) {
	if n.space != namespace {
		w.note(path, "namespace %q, want %q", n.space, namespace)
	}
	switch shape := w.model.Shapes[shapeName]; shape.Type {
	case "structure":
		w.structure(path, n, shape)
	case "list":
		w.list(path, n, shape)
	default:
		if len(n.children) > 0 {
			w.note(path, "elements in a %s", shape.Type)
		}
		w.value(path, n.text, shape)
	}
}

func (w *walk) structure(path string, n *node, shape Shape) {
	if strings.TrimSpace(n.text) != "" {
		w.note(path, "text %q between elements", strings.TrimSpace(n.text))
	}
	count := map[string]int{}
	for _, child := range n.children {
		member, name := shape.member(child.name)
		if name == "" {
			w.note(path, "%s is not known", child.name)
			continue
		}
		count[name]++
		w.element(path+"/"+child.name, child, member.Shape)
	}
	for name, member := range shape.Members {
		if count[name] > 1 {
			w.note(path, "%s is there %d times", name, count[name])
		}
		if count[name] == 0 && member.Location == "" && slices.Contains(shape.Required, name) {
			w.note(path, "%s is missing", name)
		}
	}
}

// member returns that of an element's name, which is in the body.
func (s Shape) member(element string) (Member, string) {
	for name, member := range s.Members {
		if member.Location == "" && (member.LocationName == element || member.LocationName == "" && name == element) {
			return member, name
		}
	}
	return Member{}, ""
}

func (w *walk) list(path string, n *node, shape Shape) {
	want := shape.Member.LocationName
	if want == "" {
		want = "member"
	}
	if problem := shape.length(int64(len(n.children)), "items"); problem != "" {
		w.note(path, "%s", problem)
	}
	for i, child := range n.children {
		if child.name != want {
			w.note(path, "%s in a list of %s", child.name, want)
			continue
		}
		w.element(fmt.Sprintf("%s/%s[%d]", path, child.name, i), child, shape.Member.Shape)
	}
}

func (w *walk) value(path, text string, shape Shape) {
	if problem := shape.wrong(text); problem != "" {
		w.note(path, "%.80q %s", text, problem)
	}
}

// wrong says what is wrong with a value, "" for nothing.
func (s Shape) wrong(text string) string {
	switch s.Type {
	case "long", "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "is no number"
		}
		return s.length(n, "")
	case "boolean":
		if text != "true" && text != "false" {
			return "is neither true nor false"
		}
	case "timestamp":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return "is no time (ISO 8601)"
		}
	case "string":
		return s.wrongString(text)
	default:
		return "has the type " + s.Type + ", which this walker does not know"
	}
	return ""
}

func (s Shape) wrongString(text string) string {
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		return fmt.Sprintf("is none of %v", s.Enum)
	case s.Pattern != "" && !regexp.MustCompile("^(?:"+s.Pattern+")$").MatchString(text):
		return "does not match " + s.Pattern
	}
	return s.length(int64(len([]rune(text))), "characters")
}

// length holds n against the shape's bounds.
func (s Shape) length(n int64, unit string) string {
	switch {
	case s.Min != nil && n < *s.Min:
		return strings.TrimSpace(fmt.Sprintf("is %d %s", n, unit)) + fmt.Sprintf(", want at least %d", *s.Min)
	case s.Max != nil && n > *s.Max:
		return strings.TrimSpace(fmt.Sprintf("is %d %s", n, unit)) + fmt.Sprintf(", want at most %d", *s.Max)
	}
	return ""
}
