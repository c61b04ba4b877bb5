// Package watch knows the names whose failover counts: what upstream said of them
// and when, which earlier answers are refused after a change (guard), what an
// operator put in their place (override), what fresh labels beside them show
// (probe), whether upstream settled (verify), and who may still hold which answer
// (ledger).
//
// It does no I/O, starts no goroutine and reads no clock: the caller hands in what
// upstream answered and what time it is, asks the questions of Due and Again, and
// gives clients the pins in place of what the cache has.
//
// Names come in as people write them, and go out in lower case without the final
// dot; names that the query path hands in, and those of questions, are lower-case
// wire names. Data are as dig +short shows them, each record once, sorted.
package watch
