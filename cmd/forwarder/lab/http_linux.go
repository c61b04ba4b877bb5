package lab

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// HTTP returns a client within the namespace, with a new connection for each request.
func (n *Namespace) HTTP(t testing.TB, timeout time.Duration) *http.Client {
	t.Helper()
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		n.Do(t, func() { conn, err = new(net.Dialer).DialContext(ctx, network, address) })
		return conn, err
	}
	return &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
}
