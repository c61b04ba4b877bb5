package demo

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write named.json from the fault table, and testdata/demo.txt from a run")

// What the demo says of named is what the fault table says of it.
func TestNamedsFiguresAreTheFaultTables(t *testing.T) {
	want := append(namedOf(t), '\n')
	if *update {
		if err := os.WriteFile("named.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(tableText, want) {
		t.Errorf("named.json is not what the fault table has: go test ./cmd/forwarder/demo -run Figures -update; it is to be\n%s", want)
	}
}

// namedOf is named.json as the fault table has it.
func namedOf(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../faults/testdata/faults.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Versions map[string]string
		Figures  map[string]map[string]map[string]any // by scenario, row and server
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	part := faultTable{Version: all.Versions["named"], Figures: map[string]map[string]float64{}}
	for _, f := range figures {
		value, ok := all.Figures[f.scenario][f.row]["named"].(float64)
		if !ok {
			t.Fatalf("the fault table has no number for named in %+v", f)
		}
		if part.Figures[f.scenario] == nil {
			part.Figures[f.scenario] = map[string]float64{}
		}
		part.Figures[f.scenario][f.row] = value
	}
	text, err = json.MarshalIndent(part, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
