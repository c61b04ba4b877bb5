package main

import (
	"fmt"
	"os"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// What is cached goes from one process to the next in memory that has no name, so that
// nobody else can put answers there: beside the sockets in the service manager's
// store, or to the process that takes over. It is sealed, so that it stays as it was
// checked. After a crash, a stop or a boot the cache starts empty.

// cacheName is what the service manager knows it by; socketsName is for the sockets,
// earlyName for those of a process that was not ready.
const (
	cacheName   = "cache"
	socketsName = "dns"
	earlyName   = "early"
)

// cacheShare of the memory is what it may take, which holds it once more for as long
// as the next process reads it.
const cacheShare = 8

// snapshot returns what is cached, in a file for the next process, or nil when that
// has to start without.
func (d *daemon) snapshot() *os.File {
	f, st, err := d.writeSnapshot()
	if err != nil {
		d.log(logging.Warning, "the next process starts with an empty cache: %v", err)
		return nil
	}
	text := fmt.Sprintf("leaving %d answers to the next process (%d MB)", st.Answers, (st.Bytes+1<<19)>>20)
	if st.Left > 0 {
		text += fmt.Sprintf(", without %d for which there is no room or time", st.Left)
	}
	d.log(logging.Info, "%s", text)
	return f
}

func (d *daemon) writeSnapshot() (f *os.File, st forwarder.SnapshotStats, err error) {
	if f, err = newMemory(cacheName); err != nil {
		return nil, st, err
	}
	most := min(forwarder.MaxSnapshot, int64(host.Memory()/cacheShare))
	if st, err = d.server.Snapshot(f, most); err == nil {
		err = seal(f)
	}
	if err != nil {
		f.Close()
		return nil, st, err
	}
	return f, st, nil
}

// leaveCache gives what is cached to the service manager, for the next process.
func (d *daemon) leaveCache() {
	if !d.notify.managed() {
		return
	}
	if f := d.snapshot(); f != nil {
		d.warn(d.notify.store(cacheName, f))
		f.Close()
	}
}

// cache returns what a former process has left of its cache, or nil when it is not
// certain that this is it.
func (h *inheritance) cache() *os.File {
	if len(h.caches) == 1 && isSealed(h.caches[0]) {
		return h.caches[0]
	}
	return nil
}

// forgetCache makes the service manager forget what this process has taken: were it
// to crash, the next one would bring back what was flushed here.
func (d *daemon) forgetCache() {
	if len(d.inherited.caches) == 0 {
		return
	}
	if d.inherited.cache() == nil {
		d.log(logging.Warning, "starting with an empty cache: what the former process left is not one sealed file")
		closeFiles(d.inherited.caches)
	}
	d.warn(d.notify.forget(cacheName))
}
