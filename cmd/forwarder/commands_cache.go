package main

import (
	"context"
	"fmt"
	"strings"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
)

// cacheCommands are those about what is cached.
func cacheCommands() []command {
	return []command{
		{name: "flush", args: "[view]", summary: "Forget all that is cached", run: flush},
		{name: "flushname", args: "name [view]", summary: "Forget every cached answer that the name has a part in", run: flushName},
		{name: "flushtree", args: "name [view]", summary: "The same for the name and all names below it", run: flushTree},
	}
}

// builtinView is BIND's own, in which nothing is cached here.
const builtinView = "_bind"

// hasView reports whether BIND would have the view of that name; "" is all of them.
func (d *daemon) hasView(name string) bool {
	return name == "" || strings.EqualFold(name, d.server.Config().View) || strings.EqualFold(name, builtinView)
}

// A flush runs on the daemon's goroutine: one that comes while the cache goes to the
// next process fails, or waits until it is known that there is none.

func flush(ctx context.Context, d *daemon, args []string) (string, error) {
	what, view := "caches in all views", argument(args, 0)
	if view != "" {
		what = fmt.Sprintf("cache in view '%s'", view)
	}
	if !d.hasView(view) {
		d.log(logging.Error, "flushing %s failed: view not found", what)
		return "", rndc.NotFound.With("")
	}
	if !strings.EqualFold(view, builtinView) && !d.do(ctx, d.server.Flush) {
		return "", rndc.ShuttingDown.With("")
	}
	d.log(logging.Info, "flushing %s succeeded", what)
	return "", nil
}

func flushName(ctx context.Context, d *daemon, args []string) (string, error) {
	return d.flushNames(ctx, "name", args, d.server.FlushName)
}

func flushTree(ctx context.Context, d *daemon, args []string) (string, error) {
	return d.flushNames(ctx, "tree", args, d.server.FlushTree)
}

func (d *daemon) flushNames(ctx context.Context, kind string, args []string, flush func(name string) (int, error)) (string, error) {
	name, err := nameArgument(args)
	if err != nil {
		return "", err
	}
	view := argument(args, 1)
	where := "all cache views"
	if view != "" {
		where = fmt.Sprintf("cache view '%s'", view)
	}
	if !d.hasView(view) {
		d.log(logging.Error, "flushing %s '%s' in %s failed: view not found", kind, args[0], where)
		return "", rndc.Failure.With("")
	}
	if !strings.EqualFold(view, builtinView) {
		if !d.do(ctx, func() { _, err = flush(name) }) {
			return "", rndc.ShuttingDown.With("")
		}
		if err != nil {
			return "", err
		}
	}
	d.log(logging.Info, "flushing %s '%s' in %s succeeded", kind, args[0], where)
	return "", nil
}

// argument returns the i-th argument, or "".
func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// nameArgument returns the domain name that is the first argument, or BIND's error.
func nameArgument(args []string) (string, error) {
	name := argument(args, 0)
	if name == "@" {
		return ".", nil
	}
	if fault := nameFault(name); fault != rndc.Success {
		return "", fault.With("")
	}
	return name, nil
}

// maxNameLen and maxLabelLen are those of RFC 1035, 2.3.4, in octets.
const (
	maxNameLen  = 255
	maxLabelLen = 63
)

// nameFault says what BIND finds wrong with a name in presentation format.
func nameFault(name string) rndc.Result {
	if name == "." {
		return rndc.Success
	}
	total, label := 1, 0 // octets of the wire form, and of the label
	for rest := name; rest != ""; {
		if rest[0] == '.' {
			if label == 0 {
				return rndc.EmptyLabel
			}
			total, label, rest = total+1, 0, rest[1:]
			continue
		}
		n, fault := escaped(rest)
		if fault != rndc.Success {
			return fault
		}
		rest = rest[n:]
		if label, total = label+1, total+1; label > maxLabelLen {
			return rndc.LabelTooLong
		}
	}
	if label > 0 {
		total++
	}
	switch {
	case name == "":
		return rndc.UnexpectedEnd
	case total > maxNameLen:
		return rndc.NoSpace
	}
	return rndc.Success
}

// escaped returns how many characters stand for the first octet of text (RFC
// 1035, 5.1).
func escaped(text string) (n int, fault rndc.Result) {
	if text[0] != '\\' {
		return 1, rndc.Success
	}
	if len(text) == 1 {
		return 0, rndc.UnexpectedEnd
	}
	if !isDigit(text[1]) {
		return 2, rndc.Success
	}
	if len(text) < 4 {
		return 0, rndc.UnexpectedEnd
	}
	var octet int
	for _, c := range []byte(text[1:4]) {
		if !isDigit(c) {
			return 0, rndc.BadEscape
		}
		octet = octet*10 + int(c-'0')
	}
	if octet > 255 {
		return 0, rndc.BadEscape
	}
	return 4, rndc.Success
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
