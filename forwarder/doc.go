// Package forwarder is a DNS forwarder as a library: it answers clients from a
// cache, and what it does not know from the servers that the name's zone is
// forwarded to. It speaks named.conf, and does what BIND's named does with the
// same file, but for a short list of deliberate differences.
//
// A query's life:
//
//	udp.Serve ─► wire.Query ─► acl ─► cache ─ fresh ─► reply ─► udp.WriteBatch
//	                                    └ miss, stale ─► queue ─► resolver
//	resolver: inflight ─► upstream ─► scrub ─► cache ─► sender
//
// A query knows no Server, only an engine: what may be touched on its way. A
// worker is what the goroutine has that answers it. What an answer depends on is
// an immutable state behind an atomic pointer; Reload builds a new one, checks it
// whole, and swaps it. inflight decides, under its lock, what becomes of a miss,
// and does nothing else; a resolver acts on that and on upstream's answers, and
// its sender replies.
package forwarder
