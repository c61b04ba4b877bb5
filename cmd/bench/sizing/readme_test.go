package sizing

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The project's README says of two lines of the page's table what the simulation does,
// rounded.
func TestReadmeFigures(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`some ([0-9,]+) names of TTL 10 fresh, or ([0-9,]+) of TTL 60`).FindSubmatch(readme)
	if said == nil {
		t.Fatal("README.md does not say how many names of TTL 10 and 60 one interface keeps fresh")
	}
	names := fresh()
	for i, cell := range []string{names[2][2], names[4][2]} {
		k, err := strconv.ParseFloat(strings.TrimSuffix(cell, " k"), 64)
		if err != nil {
			t.Fatalf("the simulation says %q, want thousands: %v", cell, err)
		}
		figure, err := strconv.ParseFloat(strings.ReplaceAll(string(said[i+1]), ",", ""), 64)
		if err != nil || math.Abs(figure/k/1000-1) > 0.02 {
			t.Errorf("README.md says %s (%v), the simulation %s", said[i+1], err, cell)
		}
	}
}
