package main

import (
	"net/netip"

	"vpcdns/forwarder/config"
)

// own lists the addresses that a server with these flags would serve here; none
// where that cannot be told.
func (f *flags) own(cfg *config.Config) []netip.AddrPort {
	if f.listen.IsValid() {
		return []netip.AddrPort{f.listen.AddrPort}
	}
	addrs, err := f.servedBy(cfg)
	if err != nil {
		return nil
	}
	return addrs
}
