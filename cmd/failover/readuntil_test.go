package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"
)

// readUntil reads lines until one has the text, or to the end for "".
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	lines := make(chan string)
	go func() {
		defer close(lines)
		read := lineReader(r)
		for {
			line, err := read.ReadString('\n')
			lines <- line
			if err != nil || text != "" && strings.Contains(line, text) {
				return
			}
		}
	}()
	var b strings.Builder
	late := time.After(time.Minute)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				if text != "" && !strings.Contains(b.String(), text) {
					t.Fatalf("%q did not come:\n%s", text, b.String())
				}
				return b.String()
			}
			b.WriteString(line)
		case <-late:
			t.Fatalf("%q did not come in time:\n%s", text, b.String())
		}
	}
}

// lineReader reads no more than a line from a pipe, so that nothing is lost between
// two calls of readUntil.
func lineReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(oneByte{r}, 16) }

type oneByte struct{ io.Reader }

func (o oneByte) Read(b []byte) (int, error) { return o.Reader.Read(b[:1]) }
