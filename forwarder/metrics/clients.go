package metrics

import "vpcdns/forwarder"

// addressFamilies are about where clients ask.
var addressFamilies = []family{
	{"served_addresses", gauge, nil,
		"Addresses that are served.",
		one(func(s *forwarder.Stats) int { return s.Served })},
	{"unserved_addresses", gauge, nil,
		"Addresses that listen-on names and that could not be had: the log says why. Anything but 0 means that their clients get no answer.",
		one(func(s *forwarder.Stats) int { return s.Unserved })},
	{"tcp_connections", gauge, nil,
		"Open TCP connections of clients.",
		one(func(s *forwarder.Stats) int { return s.TCPOpen })},
	{"tcp_evicted_connections_total", counter, nil,
		"TCP connections of clients closed to make room for new ones (tcp-clients).",
		one(func(s *forwarder.Stats) uint64 { return s.TCPEvicted })},
	{"tcp_listen_drops_total", counter, nil,
		"TCP connections of clients that the kernel dropped because too many waited to be accepted (tcp-listen-queue, net.core.somaxconn): they come again a second later.",
		one(func(s *forwarder.Stats) uint64 { return s.TCPDropped })},
}

// datagramFamilies are about what goes over UDP to clients and from them.
var datagramFamilies = []family{
	{"udp_received_datagrams_total", counter, nil,
		"Datagrams received from clients.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.Received })},
	{"udp_sent_datagrams_total", counter, nil,
		"Datagrams sent to clients.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.Sent })},
	{"udp_segmented_datagrams_total", counter, nil,
		"Of those sent, the ones that left in a batch with others to the same client (UDP_SEGMENT).",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.Segmented })},
	{"udp_segment_failures_total", counter, nil,
		"Such batches that the system refused, whose datagrams were sent one by one.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.SegmentFailed })},
	{"udp_receive_buffer_drops_total", counter, nil,
		"Datagrams from clients lost because the receive buffer was full: the host is too slow or its buffers (net.core.rmem_max) are too small.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.ReceiveFull })},
	{"udp_send_buffer_drops_total", counter, nil,
		"Replies lost because the send buffer stayed full.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.SendFull })},
	{"udp_send_failures_total", counter, nil,
		"Replies that the system refused to send: client unreachable, filtered, too long.",
		one(func(s *forwarder.Stats) uint64 { return s.UDP.SendFailed })},
}
