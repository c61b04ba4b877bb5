package main

import (
	"context"
	"strings"
	"time"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

func verifyCommands() []command {
	return []command{
		{name: "verify", summary: "Ask upstream each second whether it has new data", forms: []command{
			{args: "name [json]", most: 2, summary: "Show how far the verification of a name is", readOnly: true, run: showVerify},
			{args: "name type data... [for duration]", summary: "Ask upstream once a second whether it gives this data, and nothing else, for as long as old data may live in its caches; for 2 minutes, or the duration", run: verifyData},
		}},
	}
}

// maxVerify is how long one goes on at most.
const maxVerify = time.Hour

func verifyData(_ context.Context, d *daemon, args []string) (string, error) {
	args, c, err := cutClauses(args, "for")
	if err != nil {
		return "", err
	}
	name, rtype, data, err := parseData(args, "verify")
	if err != nil {
		return "", err
	}
	most, err := c.duration(maxVerify)
	if err != nil {
		return "", err
	}
	if err := d.server.Verify(name, rtype, data, most); err != nil {
		return "", watchError(err)
	}
	return "", nil
}

func showVerify(_ context.Context, d *daemon, args []string) (string, error) {
	name, err := nameArgument(args)
	if err != nil {
		return "", err
	}
	asJSON := strings.EqualFold(argument(args, 1), "json")
	if len(args) == 2 && !asJSON {
		return "", rndc.UnexpectedEnd.With("data is missing: verify NAME TYPE DATA")
	}
	st, err := d.server.WatchStatus(name, false)
	if err != nil {
		return "", watchError(err)
	}
	list := verified(&st)
	if len(list) == 0 {
		return "", rndc.NotFound.With(st.Name + " is not verified: verify NAME TYPE DATA begins")
	}
	if asJSON {
		return boundedJSON(list)
	}
	var s sheet
	s.title("%s", st.Name)
	for _, v := range list {
		s.verify(v.Type, v.Verify, st.Now)
	}
	return s.text(), nil
}

// verified are the types of a name that are verified, or were lately.
func verified(st *watch.Status) (list []watch.SetStatus) {
	for _, set := range st.Sets {
		if set.Verify != nil {
			list = append(list, set)
		}
	}
	return list
}
