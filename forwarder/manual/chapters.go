package manual

import (
	"go/doc/comment"
	"strings"
)

// Chapter is what stands below a heading of a doc.go; the first has none.
type Chapter struct {
	Heading string
	Blocks  []comment.Block
}

// Chapters reads the comment of a doc.go.
func Chapters(source string) []Chapter {
	text, _, _ := strings.Cut(source, "\npackage ")
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(line, "//")
		lines = append(lines, strings.TrimPrefix(line, " "))
	}
	all := []Chapter{{}}
	for _, b := range new(comment.Parser).Parse(strings.Join(lines, "")).Content {
		if h, ok := b.(*comment.Heading); ok {
			all = append(all, Chapter{Heading: plain(h.Text)})
			continue
		}
		last := &all[len(all)-1]
		last.Blocks = append(last.Blocks, b)
	}
	return all
}
