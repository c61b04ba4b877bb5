package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// check asks an address whether it serves: tcp takes a connection, http and https an
// answer with a status from 200 to 399.
type check struct {
	url     *url.URL
	addr    netip.Addr    // whom the URL names; invalid: it has a name, or no host
	timeout time.Duration // of one question, whatever hangs in it
}

// parseCheck reads tcp://HOST:PORT, http://HOST:PORT/PATH or https://. A HOST that is
// no address is only a name to ask for; with none, name is.
func parseCheck(text, name string, timeout time.Duration) (*check, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading --check: %w", err.(*url.Error).Err) // the rest may have a password
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case u.Scheme != "tcp" && u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("--check %q is neither tcp://HOST:PORT nor http://HOST:PORT/PATH nor https://", text)
	case u.User != nil:
		return nil, fmt.Errorf("--check %s has a password, which everybody on this machine could see: check a page that needs none", u.Redacted())
	case u.Scheme == "tcp" && u.Port() == "":
		return nil, fmt.Errorf("--check %q has no port", text)
	case u.Port() != "" && (err != nil || port == 0):
		return nil, fmt.Errorf("--check %q has a port that is none", text)
	case u.Scheme == "tcp" && strings.Trim(u.RequestURI(), "/") != "":
		return nil, fmt.Errorf("--check %q has a path: only http and https do", text)
	}
	c := &check{url: u, timeout: timeout}
	if u.Hostname() == "" {
		u.Host = net.JoinHostPort(strings.TrimSuffix(name, "."), u.Port())
	} else if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		c.addr = addr.Unmap()
	}
	return c, nil
}

// port is that of the URL, or its scheme's.
func (c *check) port() string {
	switch {
	case c.url.Port() != "":
		return c.url.Port()
	case c.url.Scheme == "https":
		return "443"
	}
	return "80"
}

// ask returns nil if addr serves, within the timeout.
func (c *check) ask(ctx context.Context, addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.url.Scheme == "tcp" {
		conn, err := c.dial(ctx, addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return c.get(ctx, addr)
}

func (c *check) dial(ctx context.Context, addr netip.Addr) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), c.port()))
	if err != nil {
		return nil, c.plain(ctx, err)
	}
	return conn, nil
}

// get asks for the page, follows no redirect, and reads no body: the status says all.
// The certificate of an address has to be for the URL's name, or for the address.
func (c *check) get(ctx context.Context, addr netip.Addr) error {
	to := *c.url
	if c.addr.IsValid() {
		to.Host = net.JoinHostPort(addr.String(), c.port())
	}
	transport := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx, addr) },
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true, // each question shows that connections are taken
		MaxResponseHeaderBytes: 64 << 10,
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", to.String(), err)
	}
	request.Header.Set("User-Agent", "failover")
	response, err := client.Do(request)
	if err != nil {
		return c.plain(ctx, err)
	}
	response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}

// plain leaves out what the reader knows: the URL, and the name of the timer.
func (c *check) plain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", c.timeout)
	}
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var refused syscall.Errno
	if errors.As(err, &refused) {
		return refused // without the words of Go's net
	}
	return err
}
