package main

import (
	"context"
	"strings"

	"vpcdns/forwarder/watch"
)

// isExport reports whether a command is what newcomers ask every two seconds.
func isExport(args []string) bool {
	return strings.EqualFold(args[0], "watch") && strings.EqualFold(argument(args, 1), "export")
}

// exportWatches has nothing that watch show has not: of who holds what, and of tokens, it
// says nothing.
func exportWatches(_ context.Context, d *daemon, args []string) (string, error) {
	from, ok := parseExport(args)
	if !ok {
		return "", commandNamed("watch").misused(args)
	}
	page, err := d.server.ExportWatches(from, maxShownText)
	return string(page), err
}

// parseExport reads `[unless tag | from name [type]]`.
func parseExport(args []string) (from watch.ExportFrom, ok bool) {
	switch word := strings.ToLower(argument(args, 0)); {
	case len(args) == 0:
		return from, true
	case word == "unless" && len(args) == 2:
		return watch.ExportFrom{Unless: args[1]}, true
	case word == "from" && (len(args) == 2 || len(args) == 3):
		return watch.ExportFrom{Next: strings.Join(args[1:], " ")}, true
	}
	return from, false
}
