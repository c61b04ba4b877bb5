package zone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Switch makes a change: it reads the name, and at the same time the probe's
// wildcard, and changes both in one request. It returns as soon as that is accepted. What
// is right already is left as it is. The result has what was read even where there
// is an error.
func (z *Zone) Switch(ctx context.Context, c Change) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	owner, err := z.owner(c.Name)
	if err != nil {
		return Result{}, err
	}
	r, err := z.attempt(ctx, c, owner)
	if len(c.From) == 0 || !isCode(err, "InvalidChangeBatch") {
		return r, err
	}
	// The record changed between our reading and our request, if only its TTL; or
	// the request was carried out, its reply lost, and it came a second time.
	z.tell(fmt.Sprintf("%s changed while it was to be changed; reading it again", shown(owner)))
	before := err
	r, err = z.attempt(ctx, c, owner)
	if r.Already {
		r.Warnings = append(r.Warnings, "the record got its new value a moment ago: either the reply to our request was lost, or somebody did the same; whether it is INSYNC cannot be asked")
	}
	return r, orBefore(before, err)
}

// attempt reads, compares and changes.
func (z *Zone) attempt(ctx context.Context, c Change, owner string) (Result, error) {
	wildcard, err := z.wildcard(c, owner)
	if err != nil {
		return Result{}, err
	}
	sets, probe, err := z.both(ctx, owner, wildcard)
	if err != nil {
		return Result{}, err
	}
	p, err := z.plan(c, owner, sets)
	if err != nil {
		return Result{}, err
	}
	z.addProbe(c, wildcard, probe, p)
	r := Result{Already: p.already, Old: p.old, New: p.new, Warnings: p.warnings}
	if p.already {
		return r, nil
	}
	batch := types.ChangeBatch{Changes: p.changes}
	if c.Comment != "" {
		batch.Comment = &c.Comment
	}
	r.Batch = batchJSON(batch)
	if c.DryRun {
		return r, nil
	}
	return r, z.submit(ctx, batch, &r)
}

// both reads the sets of the name and of the probe's wildcard, at the same time.
func (z *Zone) both(ctx context.Context, owner, wildcard string) (sets, probe []types.ResourceRecordSet, err error) {
	var reading sync.WaitGroup
	var probeErr error
	if wildcard != "" {
		reading.Go(func() { probe, probeErr = z.sets(ctx, wildcard) })
	}
	sets, err = z.sets(ctx, owner)
	reading.Wait()
	return sets, probe, cmp.Or(err, probeErr)
}

// submit sends the batch, and notes what the API says to it.
func (z *Zone) submit(ctx context.Context, batch types.ChangeBatch, r *Result) error {
	in := &route53.ChangeResourceRecordSetsInput{HostedZoneId: &z.ID, ChangeBatch: &batch}
	out, err := call(ctx, z.Client, fmt.Sprintf("changing %s in %s", r.Old.Name, z), z.api.ChangeResourceRecordSets, in)
	if err != nil {
		return ofChange(err)
	}
	if out.ChangeInfo == nil || value(out.ChangeInfo.Id) == "" {
		return ofChange(incomplete(fmt.Sprintf("changing %s in %s", r.Old.Name, z)))
	}
	r.ChangeID, r.SubmittedAt = bareID(*out.ChangeInfo.Id), value(out.ChangeInfo.SubmittedAt)
	if theirs, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok && time.Since(theirs).Abs() > skewNotable {
		r.Warnings = append(r.Warnings, fmt.Sprintf("this machine's clock is %s AWS's: of two overrides the one that seems later wins, and control channels refuse a clock that is 5 min off", distance(time.Since(theirs))))
	}
	return nil
}

// skewNotable is above what a slow reply and the whole seconds of its date make.
const skewNotable = 10 * time.Second

// isCode reports whether AWS said this.
func isCode(err error, code string) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == code
}
