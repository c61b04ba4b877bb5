package main

import (
	"path/filepath"
	"slices"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/shadow"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
)

// addOfZones adds questions for the names that the configuration knows: the apex of
// each zone, and what primary zones hold.
func addOfZones(asked *shadow.Questions, cfg *config.Config) {
	for _, z := range cfg.Zones {
		if len(z.Forwarders) > 0 {
			asked.AddName(z.Name, dns.TypeSOA, dns.TypeNS, dns.TypeA)
		}
	}
	for _, z := range cfg.Local {
		asked.AddName(z.Name, dns.TypeSOA, dns.TypeNS)
		for _, rr := range z.Records {
			asked.AddName(rr.Header().Name, rr.Header().Rrtype)
		}
	}
}

// queryLogs are the files to which a configuration sends queries.
func queryLogs(cfg *config.Config) (paths []string) {
	channels, ok := cfg.Logging.Categories["queries"]
	if !ok && cfg.QueryLog {
		channels = cfg.Logging.Categories["default"]
	}
	for _, c := range cfg.Logging.Channels {
		if c.Kind == logging.File && c.Severity <= logging.Info && slices.Contains(channels, c.Name) {
			paths = append(paths, inDirectory(cfg, c.Path))
		}
	}
	return paths
}

func inDirectory(cfg *config.Config, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(cfg.Directory, path)
}
