package statistics

import "strings"

// The counters of BIND 9.18, in its order. Agents make a series of each that they find,
// so all are there.
var (
	serverNames = strings.Fields(`
		Requestv4 Requestv6 ReqEdns0 ReqBadEDNSVer ReqTSIG ReqSIG0 ReqBadSIG ReqTCP TCPConnHighWater
		AuthQryRej RecQryRej XfrRej UpdateRej Response TruncatedResp RespEDNS0 RespTSIG RespSIG0
		QrySuccess QryAuthAns QryNoauthAns QryReferral QryNxrrset QrySERVFAIL QryFORMERR QryNXDOMAIN
		QryRecursion QryDuplicate QryDropped QryFailure XfrReqDone UpdateReqFwd UpdateRespFwd
		UpdateFwdFail UpdateDone UpdateFail UpdateBadPrereq RecursClients DNS64 RateDropped RateSlipped
		RPZRewrites QryUDP QryTCP NSIDOpt ExpireOpt KeepAliveOpt PadOpt OtherOpt CookieIn CookieNew
		CookieBadSize CookieBadTime CookieNoMatch CookieMatch ECSOpt QryNXRedir QryNXRedirRLookup
		QryBADCOOKIE SynthNXDOMAIN SynthNODATA SynthWILDCARD QryTryStale QryUsedStale Prefetch KeyTagOpt
		RecLimitDropped UpdateQuota`)
	zoneNames = strings.Fields(`
		NotifyOutv4 NotifyOutv6 NotifyInv4 NotifyInv6 NotifyRej SOAOutv4 SOAOutv6 AXFRReqv4 AXFRReqv6
		IXFRReqv4 IXFRReqv6 XfrSuccess XfrFail`)
	resolverNames = strings.Fields(`
		Queryv4 Queryv6 Responsev4 Responsev6 NXDOMAIN SERVFAIL FORMERR OtherError EDNS0Fail Mismatch
		Truncated Lame Retry QueryAbort QuerySockFail QueryCurUDP QueryCurTCP QueryTimeout GlueFetchv4
		GlueFetchv6 GlueFetchv4Fail GlueFetchv6Fail ValAttempt ValOk ValNegOk ValFail QryRTT10 QryRTT100
		QryRTT500 QryRTT800 QryRTT1600 QryRTT1600+ NumFetch BucketSize REFUSED ClientCookieOut
		ServerCookieOut CookieIn CookieClientOk BadEDNSVersion BadCookieRcode ZoneQuota ServerQuota
		ClientQuota NextItem Priming`)
	cacheNames = strings.Fields(`
		CacheHits CacheMisses QueryHits QueryMisses DeleteLRU DeleteTTL CoveringNSEC CacheNodes
		CacheNSECNodes CacheBuckets TreeMemTotal TreeMemInUse TreeMemMax HeapMemTotal HeapMemInUse
		HeapMemMax`)
	opcodeNames = strings.Fields(`
		QUERY IQUERY STATUS RESERVED3 NOTIFY UPDATE RESERVED6 RESERVED7 RESERVED8 RESERVED9 RESERVED10
		RESERVED11 RESERVED12 RESERVED13 RESERVED14 RESERVED15`)
	rcodeNames = strings.Fields(`
		NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE
		RESERVED11 RESERVED12 RESERVED13 RESERVED14 RESERVED15 BADVERS 17 18 19 20 21 22 BADCOOKIE`)
	socketNames = socketCounters()
)

// socketCounters names what BIND counts of sockets.
func socketCounters() (names []string) {
	for _, kind := range []struct {
		what    string
		sockets string
	}{
		{"Open", "UDP4 UDP6 TCP4 TCP6 Unix Raw"},
		{"OpenFail", "UDP4 UDP6 TCP4 TCP6 Unix Raw"},
		{"Close", "UDP4 UDP6 TCP4 TCP6 Unix FDWatch Raw"},
		{"BindFail", "UDP4 UDP6 TCP4 TCP6 Unix Fdwatch"},
		{"ConnFail", "UDP4 UDP6 TCP4 TCP6 Unix FDwatch"},
		{"Conn", "UDP4 UDP6 TCP4 TCP6 Unix FDwatch"},
		{"AcceptFail", "TCP4 TCP6 Unix"},
		{"Accept", "TCP4 TCP6 Unix"},
		{"SendErr", "UDP4 UDP6 TCP4 TCP6 Unix FDwatch"},
		{"RecvErr", "UDP4 UDP6 TCP4 TCP6 Unix FDwatch Raw"},
		{"Active", "UDP4 UDP6 TCP4 TCP6 Unix Raw"},
		{"Clients", "TCP4 TCP6"},
	} {
		for _, socket := range strings.Fields(kind.sockets) {
			names = append(names, socket+kind.what)
		}
	}
	return names
}
