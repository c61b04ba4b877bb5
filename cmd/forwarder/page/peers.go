package page

import (
	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/peer"
	"vpcdns/forwarder/host"
)

// PeersOf is how the document has the other forwarders of a pair.
func PeersOf(peers []peer.Status) []Peer {
	list := []Peer{}
	for i := range peers {
		list = append(list, peerOf(&peers[i]))
	}
	return list
}

func peerOf(s *peer.Status) Peer {
	p := Peer{
		Address: host.Address(s.Addr), State: string(s.State), Fault: s.Fault, Since: ms(s.Since), Last: ms(s.Last),
		RTT: s.RTT.Seconds(), Names: len(s.Sets), Compared: s.Known, Disagreeing: []PeerName{}, Given: []PeerName{},
	}
	for i := range s.Sets {
		name := peerName(&s.Sets[i])
		if s.Sets[i].Told {
			p.Disagreeing = append(p.Disagreeing, name)
		}
		p.Given = append(p.Given, name)
	}
	p.Disagreeing, p.DisagreeingMore = firstOf(p.Disagreeing, maxNames)
	p.Given, p.GivenMore = firstOf(p.Given, maxNames)
	return p
}

func peerName(s *peer.SetStatus) PeerName {
	n := PeerName{
		Name: s.Name, Type: dns.Type(s.Type).String(), Ours: append([]string{}, s.Ours...), Theirs: append([]string{}, s.Theirs...),
		State: "agrees", Since: ms(s.Since), At: ms(s.At), Fault: s.Fault,
	}
	switch {
	case s.Told:
		n.State = "disagrees"
	case s.Differs:
		n.State = "differs"
	case !s.Compared:
		n.State = "unknown"
	case s.Varies:
		n.State = "varies"
	}
	return n
}
