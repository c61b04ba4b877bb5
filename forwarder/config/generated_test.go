package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestGeneratedAgainstNamedCheckconf breaks good configurations at random and
// compares exit codes and normal forms. Each case is a seed, to be run again.
func TestGeneratedAgainstNamedCheckconf(t *testing.T) {
	cases := 40
	if os.Getenv("CI") == "true" {
		cases = 400
	}
	for seed := range cases {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			conf := generate(rand.New(rand.NewPCG(uint64(seed), 0)))
			want, wantNormal, theirs := namedCheckconf(t, conf)
			got, normal, findings := ours(t, conf)
			if got != want {
				t.Errorf("exit code = %d, want %d for\n%s\nours: %s\ntheirs: %s", got, want, conf, findings, theirs)
			}
			if got == 0 && want == 0 && squeeze(normal) != squeeze(wantNormal) {
				t.Errorf("normal form is\n%s\nwant\n%s", normal, wantNormal)
			}
		})
	}
}

// generate writes some options of some blocks, in any order, with a few tokens
// changed.
func generate(r *rand.Rand) string {
	var tokens []string
	for _, in := range []place{inOptions, inForward, inServer, inControls, inLogging, inKey} {
		if r.IntN(2) == 0 {
			tokens = append(tokens, strings.Fields(fmt.Sprintf(frames[in], generateBlock(r, in)))...)
		}
	}
	if len(tokens) == 0 {
		return ""
	}
	for range r.IntN(3) {
		mutate(r, &tokens)
	}
	return strings.Join(tokens, " ")
}

func generateBlock(r *rand.Rand, in place) string {
	b := "{ " + requires(in)
	fit := inBlock(in)
	for _, i := range r.Perm(len(fit))[:r.IntN(min(len(fit), 8)+1)] {
		v, _ := fit[i].value()
		b += fit[i].name + " " + v + " ; "
	}
	return b + "}"
}

// mutate removes, repeats or replaces a token. The tail of a block stays: what
// BIND says of unbalanced braces depends on what follows.
func mutate(r *rand.Rand, tokens *[]string) {
	s := *tokens
	i := r.IntN(len(s))
	if strings.ContainsAny(s[i], "{}") {
		return
	}
	switch r.IntN(3) {
	case 0:
		*tokens = append(s[:i:i], s[i+1:]...)
	case 1:
		*tokens = append(s[:i+1:i+1], s[i:]...)
	case 2:
		words := []string{"yes", "0", "7", "10m", "1h", "any", `"x"`, "none", "192.0.2.1", "10/8", "port", "!", "unlimited", "50%"}
		s[i] = words[r.IntN(len(words))]
	}
	if len(*tokens) == 0 {
		*tokens = []string{""}
	}
}
