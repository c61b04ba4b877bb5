package main

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when a file's content, name or owner last changed.
func changeTime(info fs.FileInfo) time.Time {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(st.Ctim.Unix())
}
