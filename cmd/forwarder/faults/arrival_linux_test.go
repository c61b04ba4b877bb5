package faults

// busy is how many times slower a machine may be that has other things to do.
const busy = 10

// arrival are the rows of what is switched in some way: after how many seconds it
// must be at the forwarders, and at their clients.
func arrival(way string, forwarders, clients float64) []row {
	const lost = 5 // seconds that glibc may add on a busy machine: it asks again after one, for both types
	within := func(title string, seconds float64) row {
		return row{title, "s", atMost(seconds).give((busy - 1) * seconds)}
	}
	return []row{
		within(way+": new address at both forwarders after", forwarders),
		within("the same: behind corporate named, unbound, dnsmasq after", clients),
		{"the same: at glibc clients of the pair and behind each of these after", "s", atMost(clients).give((busy-1)*clients + lost)},
		{"the same: other addresses after the first new one, at the forwarders", "", atMost(0)},
		{"the same: at all clients", "", atMost(0).give(askRate)}, // the two forwarders hear of it one after the other
		{"the same: of these, asked two seconds after both forwarders", "", atMost(0)},
	}
}

// arrival are the figures of those rows.
func (all sights) arrival(rows []row) figures {
	clients := all.where(func(s seen) bool { return s.kind != atForwarder })
	return inOrder(rows,
		all.at(atForwarder).slowest(), all.at(atCorporate).slowest(), all.at(atGlibc).slowest(),
		all.at(atForwarder).others(), clients.others(), all.late(),
	)
}
