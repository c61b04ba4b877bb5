package zone

import (
	"context"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

// Where only reading failed nothing was changed; where it failed after a change whose
// reply was lost, nobody knows.
func TestReadingChangesNothing(t *testing.T) {
	const list = "ListResourceRecordSets"
	for name, tt := range map[string]struct {
		faults  []route53.Fault
		unknown bool
	}{
		"reading hangs":      {[]route53.Fault{{Action: list, Hang: true}}, false},
		"reading is broken":  {[]route53.Fault{{Action: list, Broken: true}}, false},
		"reading fails":      {[]route53.Fault{{Action: list, Code: "InternalFailure"}}, false},
		"changing is denied": {[]route53.Fault{{Action: changeCall, Code: "AccessDenied"}}, false},
		// The record and the probe are read at the same time, before each change.
		"the second reading": {[]route53.Fault{{Action: changeCall, Half: true, Done: true, Times: 1}, {Action: list, Skip: 2, Code: "AccessDenied"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
			z := a.byID()
			z.timeout = 2 * time.Second
			a.Break(tt.faults...)
			_, err := z.Switch(t.Context(), swapTo("10.0.0.2", "10.0.0.1"))
			wants(t, err, ErrAPI, "")
			if MayHaveChanged(err) != tt.unknown {
				t.Errorf("%v: MayHaveChanged = %v, want %v", err, !tt.unknown, tt.unknown)
			}
		})
	}
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	a.Break(route53.Fault{Action: list, Hang: true})
	if _, err := a.open(Settings{Zone: apex, Timeout: time.Second, VPC: "vpc-none"}); err == nil || MayHaveChanged(err) {
		t.Errorf("looking for the zone: %v may have changed something", err)
	}
}

// A signal while the change is on its way leaves it open, one while reading does not.
func TestSignalMayHaveChanged(t *testing.T) {
	for action, unknown := range map[string]bool{"ListResourceRecordSets": false, changeCall: true} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		a.Break(route53.Fault{Action: action, Hang: true})
		z := a.byID()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := z.Switch(ctx, to("10.0.0.2"))
			ended <- err
		}()
		for a.sent(action) == 0 {
			time.Sleep(time.Millisecond)
		}
		stop()
		err := <-ended
		wants(t, err, context.Canceled, "interrupted")
		if MayHaveChanged(err) != unknown {
			t.Errorf("%s: %v: MayHaveChanged = %v, want %v", action, err, !unknown, unknown)
		}
	}
}

// Route 53's manual, and what AWS really sends, have two forms of InvalidChangeBatch:
// both are known by their code, and say why.
func TestFormsOfInvalidChangeBatch(t *testing.T) {
	said := make(map[bool]string)
	for _, wrap := range []bool{false, true} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		a.Break(route53.Fault{Action: changeCall, Code: "InvalidChangeBatch", Wrap: wrap})
		_, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
		wants(t, err, ErrRefused, "changing "+owner, "AWS refuses it: ")
		if !isCode(err, "InvalidChangeBatch") || MayHaveChanged(err) {
			t.Errorf("wrapped %v: %v is no InvalidChangeBatch", wrap, err)
		}
		_, said[wrap], _ = strings.Cut(err.Error(), "AWS refuses it: ")
	}
	if said[true] != said[false] || len(said[true]) < 20 {
		t.Errorf("the two forms say %q and %q", said[false], said[true])
	}
}
