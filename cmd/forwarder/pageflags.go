package main

import "github.com/spf13/pflag"

// pageFlags are about what the metrics address serves beside /metrics.
type pageFlags struct {
	page, clients, pprof bool
}

func (f *pageFlags) define(s *pflag.FlagSet) {
	s.BoolVar(&f.page, "status-page", true, "serve the status page at / of the metrics address, and its JSON at /api/v1/status")
	s.BoolVar(&f.clients, "status-clients", false, "show clients by their addresses on the status page")
	s.BoolVar(&f.pprof, "pprof", false, "serve Go's profiles at /debug/pprof/ of the metrics address")
}
