package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// TestDifferentialAnswers asks BIND and the forwarder for what upstreams answer in
// odd ways, by the files of testdata/answers: first once for each name, then for all of
// what both have kept.
func TestDifferentialAnswers(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	ours := lab.BuildForwarder(t)
	files := scriptFiles(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, options := range []string{"", "minimal-responses yes; minimal-any yes;"} {
			t.Run(name+" "+options, func(t *testing.T) {
				upstream := readScripted(t, files[name])
				conf := differentialText(upstream.listen(t), options)
				both := servers{named: freeAddr(t), ours: freeAddr(t)}
				startNamed(t, program, conf, both.named)
				startForwarder(t, ours, conf, both.ours)
				both.run(t, []phase{
					{name: "first", probes: firstOfName(upstream.probes)},
					{name: "again", probes: upstream.probes},
				}, deviations)
			})
		}
	}
}

// firstOfName leaves out probes for names that were asked for: BIND may answer while it
// keeps what came for the other.
func firstOfName(probes []probe) []probe {
	asked := make(map[string]bool)
	return slices.DeleteFunc(slices.Clone(probes), func(p probe) bool {
		name, _, _ := strings.Cut(p.title, " ")
		again := asked[name]
		asked[name] = true
		return again
	})
}
