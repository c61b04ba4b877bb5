package logging

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpcdns/forwarder/host"
)

// stampDigits is the length of the suffix of a rolled file: YYYYMMDDhhmmssmmm.
const stampDigits = 17

// roll moves the file out of the way, if there is something in it, and removes
// the old files that are too many.
func (f *file) roll() error {
	return roll(f.Path, f.Versions, f.SuffixTimestamp, 0, f.now())
}

// Roll moves a file out of the way that has more than some octets, and removes the old
// ones that are too many. Versions and stamped are as in a Channel.
func Roll(path string, versions int, stamped bool, octets int64) error {
	return roll(path, versions, stamped, octets, time.Now())
}

func roll(path string, versions int, stamped bool, octets int64, now time.Time) error {
	place, err := host.Locate(path)
	if err != nil {
		return nil // opening it finds out what is wrong
	}
	defer place.Close()
	r := roller{place, place.Name(), versions}
	if size, ok := place.Size(r.name); !ok || size <= octets {
		return nil // nothing to keep
	}
	switch {
	case versions == Restart:
		return place.Remove(r.name)
	case stamped:
		return r.toTime(now.UTC())
	}
	return r.toNumber()
}

// roller rolls a file.
type roller struct {
	*host.Place
	name     string
	versions int
}

// toNumber makes NAME NAME.0, NAME.0 NAME.1 and so on.
func (r roller) toNumber() error {
	numbers, err := r.numbers()
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		if r.versions != Unlimited && n >= r.versions-1 {
			err = r.Remove(r.old(n))
		} else {
			err = r.Rename(r.old(n), r.old(n+1))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return r.Rename(r.name, r.old(0))
}

func (r roller) old(n int) string { return r.name + "." + strconv.Itoa(n) }

// numbers are those of the rolled files, in order.
func (r roller) numbers() ([]int, error) {
	suffixes, err := r.suffixes()
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

// toTime makes NAME NAME.YYYYMMDDhhmmssmmm.
func (r roller) toTime(t time.Time) error {
	suffixes, err := r.suffixes()
	if err != nil {
		return err
	}
	for slices.Contains(suffixes, stamp(t)) {
		t = t.Add(time.Millisecond)
	}
	if err := r.Rename(r.name, r.name+"."+stamp(t)); err != nil {
		return err
	}
	return r.removeOldest(append(suffixes, stamp(t)))
}

func stamp(t time.Time) string {
	return strings.Replace(t.Format("20060102150405.000"), ".", "", 1)
}

func (r roller) removeOldest(suffixes []string) error {
	if r.versions == Unlimited {
		return nil
	}
	stamps := slices.DeleteFunc(suffixes, func(s string) bool { return len(s) != stampDigits })
	slices.Sort(stamps)
	for len(stamps) > r.versions {
		if err := r.Remove(r.name + "." + stamps[0]); err != nil {
			return err
		}
		stamps = stamps[1:]
	}
	return nil
}

// suffixes are the all-digit ones of the files named NAME.SUFFIX.
func (r roller) suffixes() ([]string, error) {
	names, err := r.Names()
	var found []string
	for _, name := range names {
		s, ok := strings.CutPrefix(name, r.name+".")
		if ok && s != "" && strings.Trim(s, "0123456789") == "" {
			found = append(found, s)
		}
	}
	return found, err
}
