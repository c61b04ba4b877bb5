package local

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// BenchmarkLoad loads a zone of 100,000 records.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString(soaAndNS)
	for i := range 100_000 {
		fmt.Fprintf(&text, "host-%d A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
	}
	path := filepath.Join(b.TempDir(), "zone")
	writeFile(b, filepath.Dir(path), "zone", text.String())
	b.ReportAllocs()
	for b.Loop() {
		records, problems := Load(File{Apex: "z.test.", Path: path, Checks: DefaultChecks()})
		if _, err := NewZone("z.test.", records); err != nil {
			b.Fatal(err, problems)
		}
	}
}

func kinds(t testing.TB, file string) *Zone {
	t.Helper()
	records, problems := Load(File{Apex: "kinds.test.", Path: "../../testdata/zones/" + file, Checks: DefaultChecks()})
	z, err := NewZone("kinds.test.", records)
	if err != nil {
		t.Fatal(err, problems)
	}
	return z
}

var lookups = []struct {
	name   string
	file   string
	owner  string
	qtype  uint16
	beside Beside
	allocs float64
}{
	{"data", "kinds.zone", "mail.kinds.test.", dns.TypeA, Beside{Additional: true}, 4},
	{"alias", "kinds.zone", "alias2.kinds.test.", dns.TypeA, Beside{Additional: true}, 12},
	{"nothing", "kinds.zone", "a.b.c.d.nothing.kinds.test.", dns.TypeA, Beside{}, 7},
	{"wildcard", "kinds.zone", "a.wild.kinds.test.", dns.TypeA, Beside{}, 6},
	{"proof", "kinds-nsec.zone", "nothing.kinds.test.", dns.TypeA, Beside{DO: true}, 40},
	{"hashed proof", "kinds-nsec3.zone", "nothing.kinds.test.", dns.TypeA, Beside{DO: true}, 90},
}

func BenchmarkAnswer(b *testing.B) {
	for _, l := range lookups {
		b.Run(l.name, func(b *testing.B) {
			z := kinds(b, l.file)
			b.ReportAllocs()
			for b.Loop() {
				var m dns.Msg
				z.Answer(&m, l.owner, l.qtype, l.beside)
			}
		})
	}
}

// A lookup makes little garbage.
func TestAnswerAllocs(t *testing.T) {
	for _, l := range lookups {
		z := kinds(t, l.file)
		got := testing.AllocsPerRun(100, func() {
			var m dns.Msg
			z.Answer(&m, l.owner, l.qtype, l.beside)
		})
		if got > l.allocs {
			t.Errorf("%s: %v allocations, want %v at most", l.name, got, l.allocs)
		}
	}
}
