package main

import (
	"errors"
	"net/netip"
	"testing"
)

var errRefusedConn = errors.New("connection refused")

func TestHealth(t *testing.T) {
	for _, tt := range []struct {
		name, checks string // + is a success, - a failure
		want         string // after each: ? unknown, u up, d down
	}{
		{"up after two", "+++", "?uu"},
		{"down after three", "---", "??d"},
		{"never steady", "+-+-+-", "??????"},
		{"two failures are few", "++--+--+", "?uuuuuuu"},
		{"three are not", "++---", "?uuud"},
		{"one success is little", "---+-++", "??ddddu"},
	} {
		var h health
		got := ""
		for _, c := range tt.checks {
			var err error
			if c == '-' {
				err = errRefusedConn
			}
			was := h
			if turned := h.note(err, 2, 3); turned != (was.known != h.known || was.up != h.up) {
				t.Errorf("%s: note() = %v from %+v to %+v", tt.name, turned, was, h)
			}
			got += map[[2]bool]string{{false, false}: "?", {true, true}: "u", {true, false}: "d"}[[2]bool{h.known, h.up}]
		}
		if got != tt.want {
			t.Errorf("%s: %s gives %s, want %s", tt.name, tt.checks, got, tt.want)
		}
	}
}

var (
	addrA = netip.MustParseAddr("10.0.0.1")
	addrB = netip.MustParseAddr("10.0.0.2")
	addrC = netip.MustParseAddr("10.0.0.3")
)
