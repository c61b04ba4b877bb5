// Package zone reads and changes records of a private zone of Route 53.
package zone

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Settings say where the API is, and with which credentials it is asked, as the
// options of AWS's own tools do: "" leaves it to the environment and to ~/.aws.
type Settings struct {
	Profile, Region string
	RoleARN         string // a role to be taken, of the zone's account
	ExternalID      string // that the role asks for
	SessionName     string // of the role's session, "" is failover
	// Timeout is for each call, with all that is asked again. 0 is DefaultTimeout.
	Timeout time.Duration
	// Tell gets a line when a call is made again, one for all tries with the same
	// trouble. It may be called from several goroutines, one at a time; nil is nobody.
	Tell func(line string)

	// Which zone: by its ID, or a private zone by its name, or by that of a record.
	ID, Zone, Record string
	// VPC is the ID of one that the zone belongs to, "" is any.
	VPC string
}

// DefaultTimeout is long enough for a throttled account, and not for patience.
const DefaultTimeout = 20 * time.Second

const (
	attemptTimeout = 5 * time.Second // a reply takes 0.1 to 0.5 s
	maxAttempts    = 8
	firstPause     = 250 * time.Millisecond // the account's bucket has 10 requests/s
	maxPause       = 4 * time.Second
)

// Client asks the API of Route 53. Safe for concurrent use.
type Client struct {
	api     *route53.Client
	timeout time.Duration
	tell    func(string)
}

// Connect finds the credentials. It has no connection to lose: nothing is to be closed.
func Connect(ctx context.Context, s Settings) (*Client, error) {
	c := &Client{timeout: s.Timeout, tell: once(s.Tell)}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	cfg, err := s.load(ctx)
	if err != nil {
		return nil, credentialsFailure(ctx, s, err)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, credentialsFailure(ctx, s, err)
	}
	c.api = route53.NewFromConfig(cfg, func(o *route53.Options) {
		o.Retryer = aws.NopRetryer{} // call asks again, and says so
		o.Region = signingRegion(ctx, o.Region)
	})
	return c, nil
}

// signingRegion is the one of the region's partition where Route 53 is: requests are
// signed for that. The SDK finds it only where no AWS_ENDPOINT_URL is given.
func signingRegion(ctx context.Context, region string) string {
	at, err := route53.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, route53.EndpointParameters{Region: &region})
	if err != nil {
		return region // the SDK will say what is wrong
	}
	schemes, _ := auth.GetAuthOptions(&at.Properties)
	for _, s := range schemes {
		if r, ok := smithyhttp.GetSigV4SigningRegion(&s.SignerProperties); ok {
			return r
		}
	}
	return region
}

// tellAgain is after how long the same line is told again: a program may watch for
// days, and ask each second.
const tellAgain = time.Minute

// once leaves out what was told a moment ago.
func once(tell func(string)) func(string) {
	var mu sync.Mutex
	told := make(map[string]time.Time) // of the last minute
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		maps.DeleteFunc(told, func(_ string, at time.Time) bool { return time.Since(at) > tellAgain })
		if _, again := told[line]; !again && tell != nil {
			told[line] = time.Now()
			tell(line)
		}
	}
}

func (s Settings) load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, s.options()...)
	if err != nil || s.RoleARN == "" {
		return cfg, err
	}
	role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), s.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "failover"
		if s.SessionName != "" {
			o.RoleSessionName = s.SessionName
		}
		if s.ExternalID != "" {
			o.ExternalID = &s.ExternalID
		}
	})
	cfg.Credentials = aws.NewCredentialsCache(role)
	return cfg, nil
}

func (s Settings) options() []func(*config.LoadOptions) error {
	noCorrection := true // a wrong clock is told instead: the servers' keys need a right one too
	list := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithDefaultRegion("us-east-1"), // where the API of the partition aws is
		config.WithDisableClockSkewCorrection(&noCorrection),
		config.WithLogger(logging.Nop{}), // errors say what is to be said
	}
	if s.Profile != "" {
		list = append(list, config.WithSharedConfigProfile(s.Profile))
	}
	if s.Region != "" {
		list = append(list, config.WithRegion(s.Region))
	}
	return list
}

// call makes a request, again where that may help, within the client's timeout.
// what says in its error what it was for.
func call[In, Out any](ctx context.Context, c *Client, what string, request func(context.Context, *In, ...func(*route53.Options)) (*Out, error), in *In) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var unanswered bool // a try may have been carried out
	for try := 1; ; try++ {
		out, err := request(ctx, in)
		if err == nil {
			return out, nil
		}
		f := explain(err)
		unanswered = unanswered || !f.answered
		if !f.again || try == maxAttempts || !c.pause(ctx, try, what, f) {
			f.answered = !unanswered
			return nil, f.after(ctx, what, try)
		}
	}
}

// pause waits before the next try, and reports whether there is to be one.
func (c *Client) pause(ctx context.Context, try int, what string, f *failure) bool {
	pause := min(firstPause<<(try-1), maxPause)
	pause = pause/2 + rand.N(pause/2) // who was refused together does not come back together
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
		return false
	}
	c.tell(fmt.Sprintf("%s: %s; trying again", what, f.text))
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// after says what a request was for that failed, and how often it was tried.
func (f *failure) after(ctx context.Context, what string, tries int) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return &failure{kind: context.Canceled, text: what + " was interrupted", answered: f.answered}
	}
	f.text = what + ": " + f.text
	if tries > 1 {
		f.text += fmt.Sprintf(" (after %d tries)", tries)
	}
	return f
}
