package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

// Letters of named-checkconf that change nothing here.
var ignoredCheckLetters = []letter{
	{"i", "ignore-deprecated", "", "what is deprecated is harmless, and only -v tells of it"},
	{"j", "journals", "", "zones have no journals: they take no updates"},
}

// parseCheckFlags reads the flags of named-checkconf, where -p prints, and the
// file is an argument. Unlike there, -v tells everything: forwarder -v has the
// version. -c names the file, as for the server; plugins, which it is about in
// named-checkconf, are refused anyway. Zones are always loaded, as with -z.
func parseCheckFlags(args []string) (*flags, error) {
	f := &flags{}
	s := pflag.NewFlagSet("forwarder", pflag.ContinueOnError)
	s.SetOutput(io.Discard)
	s.BoolVar(&f.check, "check-config", false, "")
	s.BoolVarP(&f.print, "print", "p", false, "")
	s.BoolVarP(&f.hideSecrets, "hide-secrets", "x", false, "")
	s.StringVarP(&f.config, "config", "c", "/etc/named.conf", "")
	s.StringVarP(&f.user, "user", "u", "", "")
	s.StringVarP(&f.root, "root", "t", "", "")
	s.BoolVarP(&f.help, "help", "h", false, "")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "")
	s.BoolP("load-zones", "z", false, "")
	list := s.BoolP("list-zones", "l", false, "")
	for _, o := range ignoredCheckLetters {
		s.BoolP(o.name, o.letter, false, "")
	}
	if err := s.Parse(args); err != nil {
		return nil, err
	}
	if *list {
		return nil, errors.New("option -l is not supported: -p prints the file with all its zones")
	}
	for _, o := range ignoredCheckLetters {
		if s.Changed(o.name) {
			f.ignored = append(f.ignored, fmt.Sprintf("option -%s is ignored: %s", o.letter, o.why))
		}
	}
	if s.NArg() > 1 {
		return nil, errors.New("--check-config takes one file")
	}
	if s.NArg() == 1 {
		f.config = s.Arg(0)
	}
	f.set = newFlags().set
	return f, nil
}
