package scrub

import (
	"iter"
	"slices"

	"vpcdns/forwarder/wire"
)

// Tails yields what m, a scrubbed answer, says of each further name of its chain,
// as the answer to the same question about that name. A message is good until the
// next one.
func Tails(m *wire.Message) iter.Seq[*wire.Message] {
	return func(yield func(*wire.Message) bool) {
		tail := new(wire.Message)
		passed := []int{wire.HeaderLen}
		for next, target := link(m, 0); target != 0; next, target = link(m, next) {
			isNew := !slices.ContainsFunc(passed, func(name int) bool { return m.SameName(name, target) })
			sections := [3]int{m.Sections[0] - next, m.Sections[1], m.Sections[2]}
			if !isNew || sections[0] == 0 && m.Rcode() == wire.NoError && sections[1] == 0 {
				return // a loop, or nothing is said of it
			}
			passed = append(passed, target)
			if !tail.PackAbout(m, target, m.RRs[next:], sections) {
				return
			}
			if _, _, err := Scrub(tail, Rules{}); err != nil || !yield(tail) {
				return
			}
		}
	}
}

// link returns the number of the record behind the first CNAME from record i on, and
// behind its signatures, and where its target is.
func link(m *wire.Message, i int) (next, target int) {
	answers := m.Section(0)
	for ; i < len(answers); i++ {
		alias := &answers[i]
		if alias.Type != wire.TypeCNAME {
			continue
		}
		for i++; i < len(answers) && m.SameName(answers[i].Start, alias.Start); i++ {
		}
		return i, alias.RData
	}
	return 0, 0
}
