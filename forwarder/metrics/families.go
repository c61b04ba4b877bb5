package metrics

import "slices"

// families are all metrics, in the order of README.md.
var families = slices.Concat(
	queryFamilies,
	addressFamilies,
	cacheFamilies,
	datagramFamilies,
	requestFamilies,
	serverFamilies,
	sourceFamilies,
	budgetFamilies,
	upstreamSocketFamilies,
	watchFamilies,
	nameFamilies,
	memberFamilies,
	peerFamilies,
	dnstapFamilies,
	troubleFamilies,
	processFamilies,
)

var (
	server = []string{"server"} // address and port
	source = []string{"server", "source"}
	budget = []string{"interface"}

	nameAndType = []string{"name", "type"}

	trouble = []string{"kind", "subject"}
	zone    = []string{"zone"}
)
