// Package dnstap takes messages from those who answer queries, and writes them for a
// tap (https://dnstap.info): to a file, or to a reader at a unix socket. Who answers
// waits for nobody: messages are copied to a bounded queue, one goroutine encodes and
// writes them, and what the queue has no room for is dropped, and counted.
package dnstap
