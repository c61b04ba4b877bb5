package main

import (
	"context"
	"time"

	"vpcdns/forwarder/logging"
)

func drainCommands() []command {
	return []command{
		{name: "drain", args: "[on | off]", summary: "Let /readyz say 503, so that a load balancer asks elsewhere, while all is answered; off undoes it", run: drain},
	}
}

// drain lasts until the process ends.
func drain(_ context.Context, d *daemon, args []string) (string, error) {
	on := true
	if word := argument(args, 0); word != "" {
		var ok bool
		if on, ok = switched(word); !ok {
			return "", commandNamed("drain").misused(args)
		}
	}
	if !on {
		if d.draining.Swap(nil) != nil {
			d.log(logging.Notice, "draining is over")
		}
		return "", nil
	}
	if now := time.Now(); d.draining.CompareAndSwap(nil, &now) {
		d.log(logging.Notice, "draining: /readyz has status 503 until 'drain off' or a restart; queries are answered as ever")
	}
	return "", nil
}
