//go:build !linux

package main

import "errors"

func compareVerb([]string) error { return errNeedsLinux }

func observedVerb([]string) error { return errNeedsLinux }

var errNeedsLinux = errors.New("the comparison needs Linux; bench sizing does not")
