// Package forwarder is a DNS forwarder as a library: it answers clients from a
// cache, and what it does not know from the servers that the name's zone is
// forwarded to. It speaks named.conf, and does what BIND's named does with the
// same file, but for a short list of deliberate differences.
//
// A query's life:
//
//	udp.Serve ─► wire.Query ─► acl ─► cache ─ fresh ─► reply ─► udp.WriteBatch
//	                                    └ miss, stale ─► queue ─► slow path
//	slow path: join the same question ─► upstream ─► wire.Message ─► cache ─► replies
//
// What a query is judged by is an immutable state behind an atomic pointer;
// Reload builds a new one, checks it whole, and swaps it.
package forwarder
