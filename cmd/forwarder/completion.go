package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/config"
)

func completionVerb() verb {
	return verb{"completion", "bash|zsh|fish", "Print what completes command lines in a shell", completionProgram}
}

// shells are those that can be had, and how to write for them.
var shells = []string{"bash", "zsh", "fish"}

func completionProgram() program {
	return program{newVerbFlags("completion"), func(args []string, stdout, stderr io.Writer) int {
		if len(args) != 1 || !slices.Contains(shells, args[0]) {
			fmt.Fprintf(stderr, "forwarder completion: for one of %s\n", strings.Join(shells, ", "))
			return 1
		}
		switch all := contexts(); args[0] {
		case "bash":
			fmt.Fprint(stdout, bashCompletion(all))
		case "zsh":
			fmt.Fprint(stdout, zshCompletion(all))
		case "fish":
			fmt.Fprint(stdout, fishCompletion(all))
		}
		return 0
	}}
}

// word is one that may be typed, and what it means.
type word struct{ text, about string }

// context is what may follow a verb; that without a verb is the daemon's.
type usageContext struct {
	verb  string
	flags []*pflag.Flag
	words []word // of which one may stand as the first argument
}

// contexts are the daemon's and those of all verbs.
func contexts() []usageContext {
	all := []usageContext{{flags: visible(newFlags().set), words: verbWords()}}
	for _, v := range verbs() {
		all = append(all, usageContext{v.name, visible(v.program().flags), argumentsOf(v.name)})
	}
	return all
}

func visible(set *pflag.FlagSet) (list []*pflag.Flag) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			list = append(list, f)
		}
	})
	return list
}

func verbWords() (list []word) {
	for _, v := range verbs() {
		list = append(list, word{v.name, v.summary})
	}
	return list
}

// argumentsOf are the words that a verb knows; of others the shell completes files.
func argumentsOf(verb string) (list []word) {
	switch verb {
	case "rndc":
		for _, c := range commands() {
			list = append(list, word{c.name, c.summary})
		}
	case "completion":
		for _, s := range shells {
			list = append(list, word{text: s})
		}
	case "man":
		for _, p := range manualPages() {
			list = append(list, word{text: p.name})
		}
	}
	return list
}

// namedConfOptions are those that --options knows, each once.
func namedConfOptions() (list []string) {
	for _, o := range config.Options() {
		list = append(list, o.Name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// spellings are a flag's, "-c" before "--config".
func spellings(f *pflag.Flag) (list []string) {
	if f.Shorthand != "" {
		list = append(list, "-"+f.Shorthand)
	}
	return append(list, "--"+f.Name)
}

// takesValue reports whether the word behind a flag belongs to it.
func takesValue(f *pflag.Flag) bool { return f.NoOptDefVal == "" }

// about is a flag's meaning without the marks of its value.
func about(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	return usage
}

// quoted is a word of all three shells. They agree only on what has no quote in it.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "") + "'" }
