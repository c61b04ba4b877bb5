package faults

import (
	"fmt"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// flapping is a VPC resolver whose caches disagree after a change.
var flapping = scenario{name: "flap", rows: flappingRows, run: runFlapping, steady: true}

var flappingRows = []row{
	{"the resolver flaps for 30 s after a change, asked 20 times a second (the forwarder watches): old addresses after the first new one, worst of five names", "", atMost(0)},
	{"the same, and the forwarder does not watch", "", limit{}},
}

func runFlapping(t *testing.T, s *site) figures {
	var names []string // the first half is watched
	for i := range 10 {
		names = append(names, fmt.Sprintf("flapping%d.awslab.mycompany.corp.", i))
	}
	watched := names[:len(names)/2]
	c := s.startCloud(t, names...)
	c.SetDelays(0)
	s.ForwarderA.Serve(t, s.server, s.watching(t, lab.ForwarderA, watched))
	load := lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 20 * len(names), For: time.Hour,
		Clients: 1, Timeout: time.Second, Tries: 2, Name: func(i int) string { return names[i%len(names)] },
	}
	wait, stop := load.Start(t)
	time.Sleep(time.Second)
	c.upsert(t, newAddress, names...)
	changed := time.Now()
	time.Sleep(hurried(30*time.Second) + 3*ttl)
	stop()
	answers, worst := wait(), map[bool]float64{}
	for i, name := range names {
		u := turn{name: name, at: changed, until: time.Now(), to: newAddress}
		isWatched := i < len(watched)
		worst[isWatched] = max(worst[isWatched], float64(u.see(answers).other))
	}
	got := figures{flappingRows[0].title: worst[true]}
	if s.ours() {
		got[flappingRows[1].title] = worst[false]
	}
	return got
}
