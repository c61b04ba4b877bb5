package zone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// meaning is what a code of AWS's comes to.
type meaning struct {
	kind  error
	again bool
	say   string // "" is AWS's own words; %s is those
}

var (
	denied   = meaning{kind: ErrAPI, say: "AWS denies it (%s): give the user or role the permission, or name another with --profile or --role-arn"}
	expired  = meaning{kind: ErrAPI, say: "the credentials have expired: get new ones, for example with 'aws sso login' (%s)"}
	unknown  = meaning{kind: ErrAPI, say: "AWS does not know these credentials: the access key was deleted or is not active, or it belongs to another partition (%s)"}
	badSign  = meaning{kind: ErrAPI, say: "AWS does not take the signature: the secret key does not belong to the access key (%s)"}
	throttle = meaning{kind: ErrAPI, again: true, say: "AWS throttles this account's requests (%s)"}
	wrong    = meaning{kind: ErrRefused, say: "AWS refuses it: %s"}
	failing  = meaning{kind: ErrAPI, again: true, say: "AWS fails: %s"}
)

var meanings = map[string]meaning{
	"AccessDenied":                {ErrAPI, false, denied.say},
	"AccessDeniedException":       denied,
	"UnauthorizedOperation":       denied,
	"ExpiredToken":                expired,
	"ExpiredTokenException":       expired,
	"RequestExpired":              expired,
	"InvalidClientTokenId":        unknown,
	"UnrecognizedClientException": unknown,
	"InvalidAccessKeyId":          unknown,
	"SignatureDoesNotMatch":       badSign,
	"InvalidSignatureException":   badSign,
	"IncompleteSignature":         badSign,
	"MissingAuthenticationToken":  badSign,
	"Throttling":                  throttle,
	"ThrottlingException":         throttle,
	"ThrottledException":          throttle,
	"TooManyRequestsException":    throttle,
	"RequestLimitExceeded":        throttle,
	"SlowDown":                    throttle,
	"PriorRequestNotComplete":     {ErrAPI, true, "Route 53 still works on an earlier change of this zone (%s)"},
	"NoSuchHostedZone":            {ErrRefused, false, "there is no such zone in this account: see --zone-id, --profile and --role-arn (%s)"},
	"NoSuchChange":                {ErrAPI, false, "Route 53 knows no change of this ID in this account (%s)"},
	"InvalidChangeBatch":          wrong,
	"InvalidInput":                wrong,
	"ValidationError":             wrong,
	"InvalidDomainName":           wrong,
	"InternalFailure":             failing,
	"InternalError":               failing,
	"ServiceUnavailable":          failing,
	"ServiceUnavailableException": failing,
	"RequestTimeout":              failing,
}

// explain says what an error of the SDK comes to. It is never nil.
func explain(err error) *failure {
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && status(err) < 500:
		return answered(err, api)
	case status(err) >= 500:
		return &failure{kind: ErrAPI, again: true, cause: err, text: "AWS fails: " + failureWords(err, api)}
	}
	return unanswered(err)
}

// answered explains an error that AWS sent.
func answered(err error, api smithy.APIError) *failure {
	if skew, ok := clockSkew(err, api); ok {
		return &failure{kind: ErrAPI, cause: err, answered: true, text: skew}
	}
	m, known := meanings[api.ErrorCode()]
	if !known {
		m = meaning{kind: ErrAPI, again: status(err) == http.StatusTooManyRequests, say: "AWS refuses it: %s"}
	}
	return &failure{kind: m.kind, cause: err, again: m.again, answered: true, text: fmt.Sprintf(m.say, words(api))}
}

// words are AWS's own.
func words(api smithy.APIError) string {
	m := strings.TrimSpace(api.ErrorMessage())
	var batch *types.InvalidChangeBatch
	if errors.As(api, &batch) { // of two forms: a list, or a message that looks like one
		return strings.Trim(cmp.Or(strings.Join(batch.Messages, "; "), m, api.ErrorCode()), "[]")
	}
	if m != "" {
		return api.ErrorCode() + ": " + strings.TrimSuffix(m, ".")
	}
	return api.ErrorCode()
}

func failureWords(err error, api smithy.APIError) string {
	text := fmt.Sprintf("HTTP status %d", status(err))
	if api != nil && api.ErrorCode() != "UnknownError" {
		text += ", " + words(api)
	}
	return text
}

// status is that of the HTTP response, 0 if none came.
func status(err error) int {
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) && r.Response != nil {
		return r.HTTPStatusCode()
	}
	return 0
}

// AWS takes signatures that are up to 5 minutes old, or so much ahead.
const skewLimit = 4 * time.Minute

// clockSkew explains a refusal that comes of this machine's clock.
func clockSkew(err error, api smithy.APIError) (string, bool) {
	switch api.ErrorCode() {
	case "RequestTimeTooSkewed", "RequestExpired", "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", "AccessDenied", "AccessDeniedException":
	default:
		return "", false
	}
	ahead := time.Since(clockOf(err, api.ErrorMessage()))
	if ahead.Abs() < skewLimit {
		return "", false
	}
	return fmt.Sprintf("this machine's clock is %s AWS's, so AWS takes no request of it: set it, for example with 'chronyc makestep', and try again", distance(ahead)), true
}

// theirNow is what AWS says of its time where a signature is too old or too new.
var theirNow = regexp.MustCompile(`\((\d{8}T\d{6}Z) [-+] \d+ min`)

// clockOf is AWS's time, now if the reply does not have it.
func clockOf(err error, message string) time.Time {
	if m := theirNow.FindStringSubmatch(message); m != nil {
		if at, err := time.Parse("20060102T150405Z", m[1]); err == nil {
			return at
		}
	}
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) && r.Response != nil {
		if at, err := http.ParseTime(r.Response.Header.Get("Date")); err == nil {
			return at
		}
	}
	return time.Now()
}

// distance says how far a clock is from another.
func distance(ahead time.Duration) string {
	if ahead > 0 {
		return roughly(ahead) + " ahead of"
	}
	return roughly(-ahead) + " behind"
}

func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 3*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 72*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// unanswered explains an error without a reply that says what became of the request.
func unanswered(err error) *failure {
	f := &failure{kind: ErrAPI, cause: err, again: true}
	var broken *smithy.DeserializationError
	var unknownHost *net.DNSError
	var dial *net.OpError
	var netErr net.Error
	switch host := hostOf(err); {
	case errors.As(err, &unknownHost):
		f.text, f.answered, f.again = fmt.Sprintf("the name %s of the API has no address: see the network, --region, and AWS_ENDPOINT_URL (%s)", unknownHost.Name, unknownHost.Err), true, !unknownHost.IsNotFound
	case errors.As(err, &dial) && dial.Op == "dial":
		f.text, f.answered = fmt.Sprintf("the API %s cannot be reached: see the network, its proxy, and AWS_ENDPOINT_URL (%v)", host, dial.Err), true
	case strings.Contains(err.Error(), "unsupported protocol scheme"):
		f.text, f.answered, f.again = "the address of the API is no URL: see AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_ROUTE_53", true, false
	case strings.Contains(err.Error(), "x509:"):
		f.text, f.answered, f.again = fmt.Sprintf("the API %s shows a certificate that is not trusted: see AWS_CA_BUNDLE (%v)", host, innermost(err)), true, false
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		f.text = fmt.Sprintf("the API %sdid not reply in time", named(host))
	case errors.As(err, &broken), status(err) != 0:
		f.text = fmt.Sprintf("the reply of the API is broken: %v", innermost(err))
	case errors.As(err, new(*awshttp.ResponseError)), host != "":
		f.text = fmt.Sprintf("the connection to the API %sbroke: %v", named(host), innermost(err))
	default:
		f.text, f.answered, f.again = innermost(err).Error(), true, false // the SDK did not send it
	}
	return f
}

func named(host string) string {
	if host == "" {
		return ""
	}
	return host + " "
}

// hostOf is that of the request, "" where the error does not say.
func hostOf(err error) string {
	var u *url.Error
	if !errors.As(err, &u) {
		return ""
	}
	parsed, parseErr := url.Parse(u.URL)
	if parseErr != nil {
		return ""
	}
	return parsed.Host
}

// innermost is what began an error.
func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}
