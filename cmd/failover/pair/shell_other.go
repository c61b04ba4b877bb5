//go:build !windows

package pair

var shell = [2]string{"/bin/sh", "-c"}
