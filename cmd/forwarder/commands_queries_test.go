package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/rndc"
)

// queries shows what is answered, to who asks for it and where it came from.
func TestQueriesCommand(t *testing.T) {
	c := startCommanded(t, "")
	const slow, other = "slow.awslab.mycompany.corp.", "other.awslab.mycompany.corp."
	c.resolver.SetFaults(slow, vpcresolver.Faults{Delay: 30 * time.Millisecond, Rcode: dns.RcodeServerFailure})
	c.run("queries -c 1 AWSLAB.mycompany.corp") // from here on
	c.run("queries -c 1 192.0.2.0/24")
	c.ask("here.test.", dns.TypeSOA)
	c.ask(slow, dns.TypeA)
	c.ask(other, dns.TypeMX)
	c.ask(other, dns.TypeMX)
	m := new(dns.Msg).SetQuestion(other, dns.TypeMX)
	m.SetEdns0(1232, true)
	m.CheckingDisabled = true
	client := dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	if _, _, err := client.Exchange(m, c.addr.String()); err != nil {
		t.Fatal(err)
	}
	text := ""
	for end := time.Now().Add(20 * time.Second); strings.Count(text, "\n") < 4 && time.Now().Before(end); {
		text += c.run("queries -c 1 AWSLAB.mycompany.corp") + "\n"
	}
	const when = `\d\d:\d\d:\d\d\.\d{3} 127\.0\.0\.1#\d+ `
	wantMatch(t, text, `\A`+when+`slow\.awslab\.mycompany\.corp A \+ SERVFAIL miss \d+ ms$`, `\A\n`+when+`other\.awslab\.mycompany\.corp MX \+ NXDOMAIN miss [\d.]+ ms$`,
		`\A\n`+when+`other\.awslab\.mycompany\.corp MX \+ NXDOMAIN hit at once$`, `\A\n`+when+`other\.awslab\.mycompany\.corp MX \+ETDC NXDOMAIN hit at once\n+\z`)
	if got := c.run("queries -c 1 192.0.2.0/24"); got != "" {
		t.Errorf("queries of others' are\n%s\nwant none", got)
	}

	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for range tailLines + 50 {
			c.ask("here.test.", dns.TypeSOA)
		}
	}()
	text = c.run("queries 127.0.0.1")
	<-asked
	if n := strings.Count(text, "here.test SOA + NOERROR local at once"); n == 0 || n > tailLines {
		t.Errorf("queries has %d lines, want %d at most:\n%s", n, tailLines, text)
	}
	for line, want := range map[string]*rndc.Error{"queries a..b": rndc.EmptyLabel.With(""), "queries -c": rndc.UnexpectedEnd.With("")} {
		if _, err := c.try(line); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
	for i := range 4 {
		_, _ = c.try(fmt.Sprint("queries -c more", i, " 192.0.2.1"))
	}
	if _, err := c.try("queries"); !errors.Is(err, errManyLook) {
		t.Errorf("one look too many: %v, want %v", err, errManyLook)
	}
}

// Who goes on with one cursor at the same time shares it, and its lines.
func TestQueriesShared(t *testing.T) {
	c := startCommanded(t, "")
	c.run("queries -c one")
	var looks sync.WaitGroup
	errs, texts := make([]error, 3), make([]string, 3)
	for i := range errs {
		looks.Go(func() { texts[i], errs[i] = c.try("queries -c one") })
	}
	c.ask("here.test.", dns.TypeSOA)
	looks.Wait()
	all := strings.Join(texts, "") + c.run("queries -c one")
	if err := errors.Join(errs...); err != nil || strings.Count(all, "here.test SOA") != 1 {
		t.Errorf("looks with one cursor: %v,\n%q, want the query once", err, all)
	}
	for _, cursor := range []string{"two", "three", "four"} {
		c.run("queries -c " + cursor)
	}
}

var leftOut = regexp.MustCompile(`\((\d+) more were left out\)`)

// Under load each query is answered, and is in the tail or counted there as left out.
func TestQueriesUnderLoad(t *testing.T) {
	c := startCommanded(t, "")
	c.run("queries -c load")
	const clients, each = 4, 2000
	var asking sync.WaitGroup
	for range clients {
		asking.Go(func() { askMany(t, c.addr.String(), each) })
	}
	done := make(chan struct{})
	go func() { asking.Wait(); close(done) }()
	seen, more := 0, true
	for more || seen < clients*each {
		text, err := c.try("queries -c load")
		if err != nil {
			t.Fatal(err)
		}
		seen += strings.Count(text, " here.test SOA +T NOERROR local ")
		for _, m := range leftOut.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			seen += n
		}
		select {
		case <-done:
			more = more && text != ""
			if text == "" && seen != clients*each {
				t.Fatalf("%d queries were seen or counted, want %d", seen, clients*each)
			}
		default:
		}
	}
	if seen != clients*each {
		t.Errorf("%d queries were seen or counted, want %d", seen, clients*each)
	}
}

// askMany asks n questions over one connection, in bursts; each must be answered.
func askMany(t *testing.T, addr string, n int) {
	conn, err := dns.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	const burst = 50
	for range n / burst {
		for range burst {
			err = errors.Join(err, conn.WriteMsg(new(dns.Msg).SetQuestion("here.test.", dns.TypeSOA)))
		}
		conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		for range burst {
			if reply, readErr := conn.ReadMsg(); readErr != nil || len(reply.Answer) != 1 {
				t.Errorf("a reply is %v, %v", reply, readErr)
				return
			}
		}
	}
	if err != nil {
		t.Error(err)
	}
}
