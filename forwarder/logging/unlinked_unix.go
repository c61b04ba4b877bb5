//go:build unix

package logging

import (
	"os"
	"syscall"
)

// unlinked reports whether no name leads to f any more: what is written to it
// nobody will read.
func unlinked(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}
