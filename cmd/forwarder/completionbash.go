package main

import (
	"fmt"
	"strings"
)

// bashBody finds out where the cursor is. It needs nothing but bash: not the
// functions of bash-completion, which may be missing or old.
const bashBody = `
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} first=1 given= i
	if [[ -n $verb ]]; then
		first=2
	elif ((COMP_CWORD > 1)); then
		words= # verbs stand first
	fi
	for ((i = first; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--options) [[ -n $verb ]] || words=$_forwarder_options ;;
		-*) [[ " $valued " != *" ${COMP_WORDS[i]} "* ]] || ((i++)) ;;
		*) given=yes ;;
		esac
	done
	if [[ " $valued " == *" $prev "* ]]; then
		return # a file, perhaps
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	elif [[ -z $given ]]; then
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
	fi
}
complete -o default -F _forwarder forwarder
`

// bashCompletion is for /usr/share/bash-completion/completions.
func bashCompletion(all []usageContext) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by forwarder completion bash.\n_forwarder_options=%s\n_forwarder() {\n\tlocal verb= flags valued words\n",
		quoted(strings.Join(namedConfOptions(), " ")))
	fmt.Fprintf(&b, "\t((COMP_CWORD == 1)) || verb=${COMP_WORDS[1]}\n\tcase $verb in\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "\t%s)\n%s\t\t;;\n", c.verb, bashWords(c))
	}
	fmt.Fprintf(&b, "\t*)\n\t\tverb=\n%s\t\t;;\n\tesac%s", bashWords(all[0]), bashBody)
	return b.String()
}

func bashWords(c usageContext) string {
	var flags, valued, words []string
	for _, f := range c.flags {
		flags = append(flags, spellings(f)...)
		if takesValue(f) {
			valued = append(valued, spellings(f)...)
		}
	}
	for _, w := range c.words {
		words = append(words, w.text)
	}
	return fmt.Sprintf("\t\tflags=%s\n\t\tvalued=%s\n\t\twords=%s\n",
		quoted(strings.Join(flags, " ")), quoted(strings.Join(valued, " ")), quoted(strings.Join(words, " ")))
}
