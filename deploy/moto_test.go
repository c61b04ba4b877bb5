package deploy

import (
	"fmt"
	"testing"
)

// What moto makes of the pair. It takes seconds to start: all ask one.
func TestMoto(t *testing.T) {
	server := startMoto(t)
	t.Run("planted errors", server.testPlanted)
	t.Run("commands", server.testReadmeCommands)
	t.Run("outputs", server.testOutputs)
}

// testPlanted makes stacks of the template as it is, and with the errors that moto has to
// find. (Not with all: each takes a second.)
func (m motoServer) testPlanted(t *testing.T) {
	source := read(t, "pair.yaml")
	if said := m.create(t, "pair", forMoto(source)); said != "" {
		t.Errorf("of the template as it is it says: %s", said)
	}
	for i, p := range pairPlanted {
		if p.moto && m.create(t, fmt.Sprintf("pair-%d", i), forMoto(p.edit(t, source))) == "" {
			t.Errorf("%s: it says nothing", p.name)
		}
	}
}
