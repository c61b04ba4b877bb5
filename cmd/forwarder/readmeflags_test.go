package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// userPages are those that a new user reads.
var userPages = []string{"README.md", "deploy/README.md", "deploy/aws.md", "deploy/corporate.md", "deploy/sizing.md"}

var (
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	longFlag = regexp.MustCompile(`--[a-z][a-z-]+`)
	ofRNDC   = regexp.MustCompile(`\brndc ([a-z][a-z-]+)`)
)

// foreignFlags are those of other programs that stand without their name.
var foreignFlags = []string{
	"--enable-dns-hostnames", // aws ec2 modify-vpc-attribute
	"--enable-old-settings",  // pdns_recursor
	"--forwarder",            // failover
}

// Flags and commands of rndc that the pages name are there.
func TestReadmeFlagsAndCommands(t *testing.T) {
	help, texts := allHelp(t), readmes(t)
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	flags, words := 0, 0
	for _, page := range userPages {
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(texts[page], "")
		for _, span := range codeSpan.FindAllStringSubmatch(prose, -1) {
			for _, m := range ofRNDC.FindAllStringSubmatch(span[1], -1) {
				if words++; !slices.Contains(names, m[1]) {
					t.Errorf("%s: rndc has no command %q, which is in %s", page, m[1], span[0])
				}
			}
			if !strings.HasPrefix(span[1], "--") && !strings.HasPrefix(span[1], "forwarder ") {
				continue
			}
			for _, flag := range longFlag.FindAllString(span[1], -1) {
				if flags++; !slices.Contains(help, flag) && !slices.Contains(foreignFlags, flag) {
					t.Errorf("%s: no help lists %s, which is in %s", page, flag, span[0])
				}
			}
		}
	}
	if flags < 20 || words < 20 {
		t.Errorf("the pages name %d flags and %d commands, want more than 20", flags, words)
	}
}

// allHelp are the flags that the program's help and that of its verbs list.
func allHelp(t *testing.T) []string {
	t.Helper()
	var text strings.Builder
	text.WriteString(newFlags().usage())
	for _, v := range verbs() {
		if status := v.start([]string{"--help"}, &text, io.Discard); status != 0 {
			t.Errorf("forwarder %s --help: status %d", v.name, status)
		}
	}
	return longFlag.FindAllString(text.String(), -1)
}
