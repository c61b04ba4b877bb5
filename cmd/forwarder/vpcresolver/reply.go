package vpcresolver

import (
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// udpSize is what the reply's OPT record says that queries may be.
const udpSize = 4096

// reply returns what the query is answered with, nil for nothing.
func (r *Resolver) reply(query *dns.Msg, client net.Addr, f Faults) *dns.Msg {
	_, overTCP := client.(*net.TCPAddr)
	if overTCP && f.NoTCP {
		return nil
	}
	opt := query.IsEdns0()
	if f.NoOPT {
		opt = nil
	}
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = !f.NoRA
	reply.CheckingDisabled = query.CheckingDisabled
	if f.NoEDNS && opt != nil {
		return reply.SetRcode(query, dns.RcodeFormatError)
	}
	r.fill(reply, opt != nil && opt.Do(), hostOf(client), f)
	if opt != nil {
		reply.SetEdns0(udpSize, opt.Do())
	}
	if !overTCP {
		truncate(reply, opt, f)
	}
	distort(reply, f)
	return reply
}

// fill adds the records, or what the faults put in their place.
func (r *Resolver) fill(reply *dns.Msg, do bool, client netip.Addr, f Faults) {
	question := reply.Question[0]
	switch {
	case f.Rcode != dns.RcodeSuccess:
		reply.Rcode = f.Rcode
	case f.Empty:
	case f.Referral:
		reply.Ns = r.recursor.referral(question.Name)
	case question.Qclass != dns.ClassINET:
		reply.Rcode = dns.RcodeRefused
	default:
		r.recursor.answer(reply, do, client, f)
	}
	if f.NoSOA && len(reply.Answer) == 0 {
		reply.Ns = nil
	}
}

// hostOf returns a client's address.
func hostOf(client net.Addr) netip.Addr {
	switch client := client.(type) {
	case *net.UDPAddr:
		return client.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return client.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// truncate cuts what does not fit. A truncated answer of the VPC resolver
// carries no records, and without EDNS it measures the answer uncompressed.
func truncate(reply *dns.Msg, opt *dns.OPT, f Faults) {
	size := dns.MinMsgSize
	if opt != nil {
		size = max(size, int(opt.UDPSize()))
		reply.Compress = true
	}
	if f.Truncated || reply.Len() > size {
		reply.Truncated = true
		reply.Answer, reply.Ns = nil, nil
		reply.Extra = slices.DeleteFunc(reply.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
	}
	reply.Compress = true
}

// distort breaks a good reply.
func distort(reply *dns.Msg, f Faults) {
	if f.WrongID {
		reply.Id++
	}
	if f.WrongName {
		reply.Question = []dns.Question{{Name: "wrong.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
	}
	if f.NoQuestion {
		reply.Question = nil
	}
}
