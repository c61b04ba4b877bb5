//go:build !linux

package main

// runningNamed finds none: only Linux tells.
func runningNamed() []namedProcess { return nil }
