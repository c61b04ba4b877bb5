package upstream

import (
	"crypto/rand"
	"time"
)

const (
	clientCookieLen = 8
	maxServerCookie = 32 // RFC 7873, 4

	// cookielessFor is how long a server is sent no cookie that dropped its own.
	cookielessFor = 10 * time.Minute
)

// cookie is the client cookie for one server and what that server gave for it
// (RFC 7873, 5.1). The client's is random, so that servers cannot link it.
type cookie struct {
	client   [clientCookieLen]byte
	server   [maxServerCookie]byte
	n        int // octets of the server's
	joined   [clientCookieLen + maxServerCookie]byte
	offUntil time.Duration
}

func newClientCookie() (c [clientCookieLen]byte) {
	rand.Read(c[:]) // never fails
	return c
}

// option returns what a query carries, valid until the next learn.
func (k *cookie) option() []byte {
	n := copy(k.joined[:], k.client[:])
	n += copy(k.joined[n:], k.server[:k.n])
	return k.joined[:n]
}

// learn takes the option of an answer. It reports whether the client cookie in
// it is ours: an answer with another one is forged (RFC 7873, 5.3).
func (k *cookie) learn(option []byte) bool {
	if len(option) < clientCookieLen || [clientCookieLen]byte(option) != k.client {
		return false
	}
	if server := option[clientCookieLen:]; len(server) > 0 {
		k.n = copy(k.server[:], server)
	}
	return true
}

// forget stops sending cookies for a while to a server that no longer does.
func (k *cookie) forget(now time.Duration) {
	k.n = 0
	k.offUntil = now + cookielessFor
}
