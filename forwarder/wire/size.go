package wire

// Size returns how many octets a reply with all records takes, without OPT.
func (a Answer) Size(question []byte) int { return HeaderLen + len(question) + len(a.body()) }
