package page

import (
	"testing"

	"vpcdns/cmd/forwarder/peer"
)

// What is not known of a name is an empty list in the document, as it says.
func TestPeerNameHasLists(t *testing.T) {
	if n := peerName(&peer.SetStatus{}); n.Ours == nil || n.Theirs == nil || n.State != "unknown" {
		t.Errorf("a name of which nothing is known is %+v", n)
	}
}
