package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// Channels come and go with a reload, allow is obeyed, an address that another has is
// tried until it is free, and what is no path is told what is.
func TestStatisticsChannels(t *testing.T) {
	t.Parallel()
	addr, open, shut, later := freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t)
	taken, err := net.Listen("tcp", later.String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	channels := fmt.Sprintf(`statistics-channels {
		inet 127.0.0.1 port %d; inet 127.0.0.1 port %d allow { none; }; inet 127.0.0.1 port %d allow { any; };
	};`, open.Port(), shut.Port(), later.Port())
	path := writeConf(t, daemonConf+channels, addr)
	p := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "--metrics-address=", "-c", path))
	p.WaitFor(t, addr)
	if text := waitStatus(t, fmt.Sprintf("http://%v/json/v1/status", open), http.StatusOK); !strings.Contains(text, `"json-stats-version"`) {
		t.Errorf("status = %s", text)
	}
	holdAgents(t, fmt.Sprintf("http://%v", open))
	text := waitStatus(t, fmt.Sprintf("http://%v/xml/v2", open), http.StatusNotFound)
	if !strings.HasPrefix(text, "No such URL. There are /json/v1 and /xml/v3") {
		t.Errorf("/xml/v2 = %q", text)
	}
	if r, err := http.Get(fmt.Sprintf("http://%v/json/v1/status", shut)); err == nil {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("who is not allowed got %s %s", r.Status, body)
	}
	p.WaitToSay(t, "rejected statistics connection from 127.0.0.1#")
	p.WaitToSay(t, fmt.Sprintf("serving statistics: listen tcp4 %v: bind: address already in use", later))
	taken.Close()
	waitStatus(t, fmt.Sprintf("http://%v/json/v1/mem", later), http.StatusOK)

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.Replace(string(before), "allow { none; }", "allow { any; }", 1)
	conf = strings.Replace(conf, fmt.Sprintf("inet 127.0.0.1 port %d;", open.Port()), "", 1)
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Signal(t, syscall.SIGHUP)
	waitStatus(t, fmt.Sprintf("http://%v/xml/v3/server", shut), http.StatusOK)
	waitClosed(t, open.String())
}

// readJSON is what telegraf's bind input decodes of /server, /net and /mem of /json/v1.
type readJSON struct {
	OpCodes, QTypes, RCodes, ZoneStats, NSStats, SockStats map[string]int
	Views                                                  map[string]struct{ Resolver map[string]map[string]int }
	Memory                                                 struct {
		TotalUse, InUse, BlockSize, ContextSize, Lost int64
		Contexts                                      []struct {
			ID, Name     string
			Total, InUse int64
		}
	}
}

// readXML is what telegraf and collectd read of XML v3.
type readXML struct {
	XMLName xml.Name    `xml:"statistics"`
	Version string      `xml:"version,attr"`
	Now     time.Time   `xml:"server>current-time"`
	Server  []readGroup `xml:"server>counters"`
	Views   []struct {
		Name   string      `xml:"name,attr"`
		Groups []readGroup `xml:"counters"`
		Cached []struct {
			Name  string `xml:"name"`
			Value uint64 `xml:"counter"`
		} `xml:"cache>rrset"`
	} `xml:"views>view"`
	Memory struct{ TotalUse, InUse, BlockSize, ContextSize, Lost uint64 } `xml:"memory>summary"`
}

type readGroup struct {
	Type     string `xml:"type,attr"`
	Counters []struct {
		Name  string `xml:"name,attr"`
		Value uint64 `xml:",chardata"`
	} `xml:"counter"`
}

// holdAgents wants what telegraf and collectd read to be there, in the types that they
// decode, at their paths.
func holdAgents(t *testing.T, url string) {
	t.Helper()
	var j readJSON
	var x, whole readXML
	for _, part := range []string{"/server", "/net", "/mem"} {
		if err := json.Unmarshal([]byte(waitStatus(t, url+"/json/v1"+part, http.StatusOK)), &j); err != nil {
			t.Errorf("/json/v1%s: %v", part, err)
		}
		if err := xml.Unmarshal([]byte(waitStatus(t, url+"/xml/v3"+part, http.StatusOK)), &x); err != nil {
			t.Errorf("/xml/v3%s: %v", part, err)
		}
	}
	if j.OpCodes["QUERY"] == 0 || j.NSStats["Requestv4"] == 0 || j.RCodes == nil || j.QTypes == nil || j.SockStats == nil || j.Views["_default"].Resolver["stats"] == nil || j.Memory.InUse == 0 || len(j.Memory.Contexts) == 0 {
		t.Errorf("telegraf reads of JSON %+v", j)
	}
	if err := xml.Unmarshal([]byte(waitStatus(t, url+"/", http.StatusOK)), &whole); err != nil { // as collectd asks
		t.Errorf("/: %v", err)
	}
	for name, read := range map[string]*readXML{"/xml/v3": &x, "/": &whole} {
		var groups, views []string
		for _, g := range read.Server {
			groups = append(groups, g.Type)
		}
		for _, v := range read.Views {
			for _, g := range v.Groups {
				views = append(views, v.Name+" "+g.Type)
			}
		}
		for _, want := range []string{"opcode", "rcode", "qtype", "nsstat", "zonestat", "resstat", "sockstat"} {
			if !slices.Contains(groups, want) {
				t.Errorf("%s has the counters %q of the server, and no %s", name, groups, want)
			}
		}
		for _, want := range []string{"_default resqtype", "_default resstats", "_default cachestats"} {
			if !slices.Contains(views, want) {
				t.Errorf("%s has the counters %q of views, and no %s", name, views, want)
			}
		}
		if !strings.HasPrefix(read.Version, "3.") || read.Now.IsZero() || read.Memory.InUse == 0 {
			t.Errorf("%s is of version %q at %v, with %+v", name, read.Version, read.Now, read.Memory)
		}
	}
}

// waitClosed waits until nobody accepts connections.
func waitClosed(t *testing.T, address string) {
	t.Helper()
	for range 1000 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s is still served", address)
}
