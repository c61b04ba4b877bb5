package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/forwarder/control"
	"vpcdns/forwarder/rndc"
)

// memberFlags are the values of --member: where the other forwarders of the fleet are
// asked for what a newcomer has missed.
type memberFlags []string

// maxMembers are the values of --member, and the addresses of all of them.
const maxMembers = control.MaxAddrs

func (f *memberFlags) Type() string   { return "host" }
func (f *memberFlags) String() string { return strings.Join(*f, ",") }

func (f *memberFlags) Set(s string) error {
	host, _, err := control.SplitHost(s, control.Port)
	if err == nil {
		err = hostFault(host)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w; it is like members.example.corp, 10.0.0.1 or 10.0.0.1#953", err)
	case slices.Contains(*f, s):
		return nil
	case len(*f) == maxMembers:
		return fmt.Errorf("%d are the most; one name may have the addresses of all", maxMembers)
	}
	*f = append(*f, s)
	return nil
}

// hostFault says why a host is neither an address nor a name.
func hostFault(host string) error {
	switch fault := nameFault(host); {
	case isAddress(host):
		return nil
	case strings.Contains(host, ":"), strings.Trim(host, "0123456789.") == "":
		return fmt.Errorf("%q is no address", host)
	case fault != rndc.Success:
		return fmt.Errorf("%q is no domain name: %s", host, fault)
	}
	return nil
}

func isMemberAddress(s string) bool {
	host, _, err := control.SplitHost(s, control.Port)
	return err == nil && isAddress(host)
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
