package main

import (
	"context"
	"fmt"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/rndc"
)

func staleCommands() []command {
	return []command{
		{name: "serve-stale", args: "(on | off | reset | status) [class [view]]", summary: "Give stale answers whatever the configuration says, or show whether they are given", run: serveStale},
	}
}

func serveStale(_ context.Context, d *daemon, args []string) (string, error) {
	word := strings.ToLower(argument(args, 0))
	if word == "" {
		return "", rndc.UnexpectedEnd.With("")
	}
	stale, err := staleWord(word)
	if err != nil {
		return "", err
	}
	if err := d.checkClassAndView(args[1:]); err != nil {
		return "", err
	}
	if word == "status" {
		return d.staleStatus(), nil
	}
	if !strings.EqualFold(argument(args, 2), builtinView) {
		d.server.SetServeStale(stale)
	}
	return "", nil
}

func staleWord(word string) (forwarder.ServeStale, error) {
	if word == "reset" || word == "status" {
		return forwarder.StaleAsConfigured, nil
	}
	on, ok := switched(word)
	switch {
	case !ok:
		return 0, rndc.Syntax.With("")
	case on:
		return forwarder.StaleOn, nil
	}
	return forwarder.StaleOff, nil
}

// checkClassAndView looks at `[class [view]]`. Where there is one argument BIND takes
// it for a view if it is no class.
func (d *daemon) checkClassAndView(args []string) error {
	class, view := argument(args, 0), argument(args, 1)
	if len(args) == 1 && !isClass(class) {
		class, view = "", class
	}
	switch {
	case class != "" && !isClass(class):
		return rndc.Unknown.With(fmt.Sprintf("unknown class '%s'", class))
	case class != "" && !strings.EqualFold(class, "IN"), !d.hasView(view):
		return rndc.NotFound.With("")
	}
	return nil
}

func isClass(word string) bool {
	switch strings.ToUpper(word) {
	case "IN", "CH", "HS", "CHAOS", "HESIOD", "ANY", "NONE", "RESERVED0":
		return true
	}
	return false
}

// staleStatus is BIND's line for the view.
func (d *daemon) staleStatus() string {
	c, state := d.server.Config(), "stale cache disabled; stale answers unavailable"
	if c.Cache.StaleEnable {
		state = "stale cache enabled; stale answers disabled"
		if d.server.ServesStale() {
			state = "stale cache enabled; stale answers enabled"
		}
		state += fmt.Sprintf(" (stale-answer-ttl=%.0f max-stale-ttl=%.0f stale-refresh-time=%.0f)",
			c.Cache.StaleAnswerTTL.Seconds(), c.Cache.MaxStaleTTL.Seconds(), c.Cache.StaleRefresh.Seconds())
	}
	return c.View + ": " + state
}
