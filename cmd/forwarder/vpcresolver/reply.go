package vpcresolver

import (
	"slices"

	"github.com/miekg/dns"
)

// udpSize is what the reply's OPT record says that queries may be.
const udpSize = 4096

// reply returns what the query is answered with, nil for nothing.
func (r *Resolver) reply(query *dns.Msg, overTCP bool, f Faults) *dns.Msg {
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
	r.fill(reply, opt != nil && opt.Do(), f)
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
func (r *Resolver) fill(reply *dns.Msg, do bool, f Faults) {
	question := reply.Question[0]
	switch {
	case f.Rcode != dns.RcodeSuccess:
		reply.Rcode = f.Rcode
	case f.Empty:
	case f.Referral:
		reply.Ns = r.zone.referral(question.Name)
	case question.Qclass != dns.ClassINET:
		reply.Rcode = dns.RcodeRefused
	default:
		r.zone.answer(reply, do)
	}
	if f.NoSOA && len(reply.Answer) == 0 {
		reply.Ns = nil
	}
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
