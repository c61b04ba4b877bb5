package metrics

import "vpcdns/forwarder"

// cacheFamilies are about the cache.
var cacheFamilies = []family{
	{"cache_entries", gauge, nil,
		"Answers in the cache, expired ones that are still kept included.",
		one(func(s *forwarder.Stats) int { return s.Cache.Entries })},
	{"cache_size_bytes", gauge, nil,
		"Memory that the answers in the cache take.",
		one(func(s *forwarder.Stats) int64 { return s.Cache.Bytes })},
	{"cache_max_size_bytes", gauge, nil,
		"Memory that they may take (max-cache-size); 0 is no limit.",
		one(func(s *forwarder.Stats) int64 { return s.Cache.MaxBytes })},
	{"cache_evictions_total", counter, nil,
		"Answers dropped before their time because the cache was full.",
		one(func(s *forwarder.Stats) uint64 { return s.Cache.Evictions })},
	{"cache_refused_entries_total", counter, nil,
		"Answers not cached because they are too large.",
		one(func(s *forwarder.Stats) uint64 { return s.Cache.Refused })},
}
