//go:build !linux

package demo

import "testing"

func testTerminal(t *testing.T, _ string) { t.Skip("pseudo terminals are opened as Linux has them") }
