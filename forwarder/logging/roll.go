package logging

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stampDigits is the length of the suffix of a rolled file: YYYYMMDDhhmmssmmm.
const stampDigits = 17

// roll moves the file out of the way, if there is something in it, and removes
// the old files that are too many.
func (f *file) roll() error {
	info, err := os.Stat(f.Path)
	if err != nil || info.Size() == 0 || !info.Mode().IsRegular() {
		return nil // nothing to keep; opening it finds out what is wrong
	}
	switch {
	case f.Versions == Restart:
		return os.Remove(f.Path)
	case f.SuffixTimestamp:
		return f.rollToTime()
	}
	return f.rollToNumber()
}

// rollToNumber makes PATH PATH.0, PATH.0 PATH.1 and so on.
func (f *file) rollToNumber() error {
	numbers, err := f.numbers()
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		if f.Versions != Unlimited && n >= f.Versions-1 {
			err = os.Remove(f.old(n))
		} else {
			err = os.Rename(f.old(n), f.old(n+1))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(f.Path, f.old(0))
}

func (f *file) old(n int) string { return f.Path + "." + strconv.Itoa(n) }

// numbers are those of the rolled files, in order.
func (f *file) numbers() ([]int, error) {
	suffixes, err := f.suffixes()
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, s := range suffixes {
		n, err := strconv.Atoi(s)
		if err == nil && len(s) < stampDigits && s == strconv.Itoa(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// rollToTime makes PATH PATH.YYYYMMDDhhmmssmmm, in UTC.
func (f *file) rollToTime() error {
	t := f.now().UTC()
	for exists(f.Path + "." + stamp(t)) {
		t = t.Add(time.Millisecond)
	}
	if err := os.Rename(f.Path, f.Path+"."+stamp(t)); err != nil {
		return err
	}
	return f.removeOldest()
}

func stamp(t time.Time) string {
	return strings.Replace(t.Format("20060102150405.000"), ".", "", 1)
}

func (f *file) removeOldest() error {
	suffixes, err := f.suffixes()
	if err != nil || f.Versions == Unlimited {
		return err
	}
	stamps := slices.DeleteFunc(suffixes, func(s string) bool { return len(s) != stampDigits })
	slices.Sort(stamps)
	for len(stamps) > f.Versions {
		if err := os.Remove(f.Path + "." + stamps[0]); err != nil {
			return err
		}
		stamps = stamps[1:]
	}
	return nil
}

// suffixes are the all-digit ones of the files named PATH.SUFFIX.
func (f *file) suffixes() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(f.Path))
	var found []string
	for _, e := range entries {
		s, ok := strings.CutPrefix(e.Name(), filepath.Base(f.Path)+".")
		if ok && s != "" && strings.Trim(s, "0123456789") == "" {
			found = append(found, s)
		}
	}
	return found, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
