package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestMemberFlags(t *testing.T) {
	for value, fault := range map[string]string{
		"members.corp.example": "", "members.corp.example:9953": "", "members.corp.example#9953": "", "10.0.0.1": "", "10.0.0.1#9953": "",
		"fd00::1": "", "[fd00::1]:9953": "", "fd00::1#9953": "",
		"": "is not like", "10.0.0.256": "no address", "10.0.0.1#0": "no port", "10.0.0.1:x": "no port", "fd00::1::2": "no address",
		"a..corp": "empty label", strings.Repeat("x", 64) + ".corp": "label too long", "http://members.corp.example": "no port",
	} {
		f, err := parseFlags([]string{"--member", value})
		switch {
		case fault == "" && (err != nil || f.members.String() != value):
			t.Errorf("--member %q: %v", value, err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), "it is like members.example.corp")):
			t.Errorf("--member %q: %v, want %q", value, err, fault)
		}
	}
	args := []string{"--member", "10.0.0.1", "--member", "10.0.0.1"}
	if f, err := parseFlags(args); err != nil || len(f.members) != 1 {
		t.Errorf("%v: %v", args, err)
	}
	for i := range maxMembers {
		args = append(args, fmt.Sprint("--member=10.0.1.", i))
	}
	if _, err := parseFlags(args); err == nil || !strings.Contains(err.Error(), "64 are the most") {
		t.Errorf("%d values of --member: %v", len(args)-2, err)
	}
}
