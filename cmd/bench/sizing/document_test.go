package sizing

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Page and plot are what the simulation says today.
func TestDocument(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round otherwise, so that the last digits differ")
	}
	m, err := LoadMeasured("../../../testdata/bench/sizing.json")
	if err != nil {
		t.Fatal(err)
	}
	page, plot, err := Document(m)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{"../../../deploy/sizing.md": page, "../../../deploy/sizing.svg": plot} {
		if has, err := os.ReadFile(path); err != nil || string(has) != string(want) {
			t.Errorf("%s is not what the simulation says (%v): go run ./cmd/bench sizing -update", path, err)
		}
	}
	wellFormed(t, plot)
}

func wellFormed(t *testing.T, svg []byte) {
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the plot: %v", err)
		}
	}
}
