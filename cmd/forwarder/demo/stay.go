package demo

import (
	"context"
	"io"
	"os"

	"github.com/charmbracelet/x/term"
)

// isTerminal reports whether somebody looks at what is written, and can end it.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

// stay has the client go on, so that there is something to see on the pages, until ctx
// ends.
func (s *story) stay(ctx context.Context) {
	a := newAsker(s.site.servers(), watchedName)
	go a.run(ctx)
	for range a.out {
	}
}
