// Package shadow asks two servers the same questions at the same moment, a named
// and a forwarder that is to take its place, and says in what their answers
// differ. The questions are those of named's clients: from its query log, whole or
// live, from a dump of its cache, or from a list.
package shadow
