package route53

import (
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// maxSkew is how far a request's clock may be off.
const maxSkew = 5 * time.Minute

// authorization is the header of Signature Version 4.
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]{64}$`)

const basicFormat = "20060102T150405Z" // ISO 8601

// unsigned looks at all of the signature but itself: the secret is not known
// here. It is nil if that is well.
func (s *Server) unsigned(c *call, r *http.Request) *Error {
	header := r.Header.Get("Authorization")
	if header == "" && s.options.Unsigned {
		return nil
	}
	if header == "" {
		return s.refusal("MissingAuthenticationToken", c)
	}
	fields := authorization.FindStringSubmatch(header)
	if fields == nil {
		return badSignature("Authorization header is not in the form of Signature Version 4")
	}
	date, region, service := fields[2], fields[3], fields[4]
	signed, err := time.Parse(basicFormat, r.Header.Get("X-Amz-Date"))
	now := s.options.Clock().UTC()
	switch {
	case err != nil || signed.Format("20060102") != date:
		return badSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'", date, r.Header.Get("X-Amz-Date"))
	case s.options.Region != "" && region != s.options.Region:
		return badSignature("Credential should be scoped to a valid region.")
	case service != "route53":
		return badSignature("Credential should be scoped to correct service: 'route53'.")
	case signed.Before(now.Add(-maxSkew)):
		return badSignature("Signature expired: %s is now earlier than %s (%s - 5 min.)", signed.Format(basicFormat), now.Add(-maxSkew).Format(basicFormat), now.Format(basicFormat))
	case signed.After(now.Add(maxSkew)):
		return badSignature("Signature not yet current: %s is still later than %s (%s + 5 min.)", signed.Format(basicFormat), now.Add(maxSkew).Format(basicFormat), now.Format(basicFormat))
	}
	return nil
}

func badSignature(format string, args ...any) *Error {
	return &Error{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}
