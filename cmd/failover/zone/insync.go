package zone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// How often a change is asked after: it takes 5 to 120 s, and an account has 10
// requests/s of this kind for all its programs.
const (
	pollPause = time.Second
	slowPause = 2 * time.Second
	slowAfter = 30 * time.Second
)

// Wait returns when the change is INSYNC, that is, when all servers of Route 53
// have it. each, unless nil, is called with each status that is read. The deadline
// of ctx is how long: ErrNotInsync then. API failures that may pass are outwaited.
func (c *Client) Wait(ctx context.Context, id string, each func(status string)) error {
	id = bareID(id)
	if id == "" || strings.ContainsFunc(id, notInID) {
		return refused("%q is no ID of a change: it looks like C0123456789ABCDEFGHIJ", id)
	}
	begun, last := time.Now(), ""
	for {
		status, err := c.status(ctx, id)
		last = cmp.Or(status, last)
		var f *failure
		switch {
		case err == nil && each != nil:
			each(status)
		case ctx.Err() == nil && err != nil && !(errors.As(err, &f) && f.again):
			return err
		}
		if status == string(types.ChangeStatusInsync) {
			return nil
		}
		if !pollAgain(ctx, begun) {
			return notInsync(ctx, id, time.Since(begun), last, err)
		}
	}
}

// pollAgain waits for the next poll, and reports whether there is to be one.
func pollAgain(ctx context.Context, begun time.Time) bool {
	pause := pollPause
	if time.Since(begun) > slowAfter {
		pause = slowPause
	}
	select {
	case <-time.After(pause + rand.N(pause/4)):
		return true
	case <-ctx.Done():
		return false
	}
}

// notInsync says how the wait ended: last is the last status, "" if there was none.
func notInsync(ctx context.Context, id string, waited time.Duration, last string, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return fmt.Errorf("waiting for change %s: %w", id, context.Canceled)
	}
	trouble := ""
	if err != nil {
		trouble = fmt.Sprintf(" (at last: %v)", err)
	}
	again := fmt.Sprintf("; ask again with 'failover wait %s'%s", id, trouble)
	if last == "" {
		return &failure{kind: ErrAPI, text: fmt.Sprintf("the status of change %s could not be read in %s%s", id, roughly(waited), again)}
	}
	return &failure{kind: ErrNotInsync, text: fmt.Sprintf("change %s is still %s after %s: it goes on by itself%s", id, last, roughly(waited), again)}
}

// status asks once.
func (c *Client) status(ctx context.Context, id string) (string, error) {
	out, err := call(ctx, c, "asking about change "+id, c.api.GetChange, &route53.GetChangeInput{Id: &id})
	if err != nil {
		return "", err
	}
	if out.ChangeInfo == nil {
		return "", incomplete("asking about change " + id)
	}
	return string(out.ChangeInfo.Status), nil
}
