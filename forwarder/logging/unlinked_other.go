//go:build !unix

package logging

import "os"

// unlinked is false: an open file cannot be removed here.
func unlinked(*os.File) bool { return false }
