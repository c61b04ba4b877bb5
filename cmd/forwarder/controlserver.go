package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// keyFileRetry is how long a key file that cannot be read is left alone.
const keyFileRetry = 2 * time.Second

// controlServer serves the control channels. DNS does not depend on it: what goes wrong
// here is logged, and tried again.
type controlServer struct {
	d       *daemon
	server  *rndc.Server
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	fault string // of the key file, as logged
}

// serveControl serves the channels until stop is called.
func (d *daemon) serveControl() (stop func()) {
	d.control = &controlServer{d: d}
	d.control.server = rndc.NewServer(rndc.Options{Handler: d, Log: d.general, Explain: explainPort})
	ctx, cancel := context.WithCancel(context.Background())
	d.control.cancel = cancel
	d.control.open()
	d.control.running.Go(func() { d.control.watchKey(ctx) })
	return d.control.close
}

func (c *controlServer) close() {
	c.cancel()
	c.server.Close()
	c.running.Wait()
}

// leave ends the channels before the process does: the next one is to have their
// addresses. The reply to a command that runs is still sent.
func (c *controlServer) leave() { c.running.Go(c.server.Close) }

func explainPort(a netip.AddrPort, err error) error {
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%w: ports below 1024 need CAP_NET_BIND_SERVICE", err)
	}
	return withHolders(err, a)
}

// watchKey takes up a key file that could not be read when it can be.
func (c *controlServer) watchKey(ctx context.Context) {
	tick := time.NewTicker(keyFileRetry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		failed := c.fault != ""
		c.mu.Unlock()
		if failed {
			c.open()
		}
	}
}

// open makes the channels those of the configuration in force.
func (c *controlServer) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.d.flags.controls(c.d.server.Config())
	var shared []*rndc.Key
	if slices.ContainsFunc(list, func(o config.Control) bool { return len(o.Keys) == 0 }) {
		shared = c.keyOfFile()
	} else {
		c.fault = ""
	}
	var channels []rndc.Channel
	for _, o := range list {
		keys := shared
		if len(o.Keys) > 0 {
			keys = c.keysOf(o.Keys)
		}
		if len(keys) > 0 {
			channels = append(channels, rndc.Channel{Addr: o.Addr, Allow: c.d.server.Access(o.Allow), Keys: keys, ReadOnly: o.ReadOnly})
		}
	}
	c.missLimited(channels)
	c.server.Serve(channels)
}

// missLimited logs which key of --control-key no channel has.
func (c *controlServer) missLimited(channels []rndc.Channel) {
	var have []string
	for _, ch := range channels {
		for _, k := range ch.Keys {
			have = append(have, k.Name)
		}
	}
	for _, notice := range c.d.flags.controlKeys.missed(have) {
		c.d.log(logging.Warning, "%s", notice)
	}
}

func (c *controlServer) keysOf(list []config.Key) (keys []*rndc.Key) {
	for _, k := range list {
		a, err := rndc.ParseAlgorithm(k.Algorithm)
		if err != nil {
			c.d.log(logging.Error, "key '%s' cannot be used with the command channel: %v", k.Name, err)
			continue
		}
		if len(k.Secret) == 0 { // named takes it, and everybody can sign with it
			c.d.log(logging.Error, "key '%s' cannot be used with the command channel: its secret is empty", k.Name)
			continue
		}
		keys = append(keys, rndc.NewKey(k.Name, a, k.Secret))
	}
	return keys
}

// keyOfFile reads the key of the channels that name none; nil if there is none.
// What is wrong is logged once. c.mu is held.
func (c *controlServer) keyOfFile() []*rndc.Key {
	path := rndcconf.KeyFile()
	key, err := config.LoadKey(path)
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if fault == c.fault && err != nil {
		return nil
	}
	c.fault = fault
	switch {
	case errors.Is(statFault(path), fs.ErrNotExist):
		c.d.log(logging.Notice, "no control channel for rndc: there is no %s; 'forwarder rndc --make-key' makes it, and it is taken up at once", path)
		return nil
	case err != nil:
		c.d.log(logging.Error, "no control channel for rndc: %v; DNS goes on, and this is tried again", err)
		return nil
	}
	c.d.log(logging.Info, "configuring command channel from '%s'", path)
	return c.keysOf([]config.Key{key})
}

func statFault(path string) error {
	_, err := os.Stat(path)
	return err
}
