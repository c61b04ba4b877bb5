package sizing

import "fmt"

// The limits of one interface, in packets a second.
const (
	InterfacePPS = 1024 // what a VPC resolver takes; it drops the rest
	BudgetPPS    = 900  // what the forwarder sends

	// planned of these are packets that are needed on average: some seconds need more.
	planned = 0.9
)

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
