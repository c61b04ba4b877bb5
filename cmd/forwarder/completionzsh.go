package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// zshCompletion is for a file _forwarder in $fpath.
func zshCompletion(all []usageContext) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef forwarder\n# Made by forwarder completion zsh.\n_forwarder() {\n")
	fmt.Fprintf(&b, "\tlocal verb=$words[2]\n\t((CURRENT > 2)) || verb=\n\tcase $verb in\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "\t%s)\n\t\tshift words\n\t\t((CURRENT--))\n%s\t\t;;\n", c.verb, zshArguments(c))
	}
	fmt.Fprintf(&b, "\t*)\n\t\tif ((${words[(I)--options]})) && [[ $PREFIX != -* ]]; then\n\t\t\tcompadd -- %s\n\t\t\treturn\n\t\tfi\n%s\t\t;;\n\tesac\n}\n",
		strings.Join(namedConfOptions(), " "), zshArguments(all[0]))
	// In $fpath the file is the function's body; sourced, it has to be registered.
	b.WriteString("if [[ $funcstack[1] == _forwarder ]]; then _forwarder \"$@\"; else compdef _forwarder forwarder; fi\n")
	return b.String()
}

// zshArguments calls _arguments with a context's flags and words.
func zshArguments(c usageContext) string {
	var b strings.Builder
	b.WriteString("\t\t_arguments -s")
	for _, f := range c.flags {
		for _, s := range spellings(f) {
			fmt.Fprintf(&b, " \\\n\t\t\t%s", quoted(zshFlag(f, s)))
		}
	}
	if len(c.words) == 0 {
		return b.String() + " \\\n\t\t\t'*:file:_files'\n"
	}
	var words []string
	for _, w := range c.words {
		words = append(words, zshWord(w))
	}
	fmt.Fprintf(&b, " \\\n\t\t\t%s\n", quoted("1:word:(("+strings.Join(words, " ")+"))"))
	return b.String()
}

func zshWord(w word) string {
	if w.about == "" {
		return zshEscape(w.text)
	}
	return zshEscape(w.text) + `\:"` + zshEscape(strings.ReplaceAll(w.about, `"`, "")) + `"`
}

func zshFlag(f *pflag.Flag, spelling string) string {
	spec := spelling + "[" + zshEscape(about(f)) + "]"
	if !takesValue(f) {
		return spec
	}
	value, _ := pflag.UnquoteUsage(f)
	return spec + ":" + value + ":_files"
}

// zshEscape hides what ends a part of a specification.
func zshEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`).Replace(text)
}
