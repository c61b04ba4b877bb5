package route53

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// Error is one of the API's.
type Error struct {
	Code     string
	Status   int // of HTTP; 0 is the code's own
	Message  string
	Messages []string // of an InvalidChangeBatch, in place of the message
}

// namespace is that of all documents.
const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

// known are the errors that every action can have.
var known = map[string]Error{
	"Throttling":                 {Status: http.StatusBadRequest, Message: "Rate exceeded"},
	"ExpiredToken":               {Status: http.StatusForbidden, Message: "The security token included in the request is expired"},
	"InvalidClientTokenId":       {Status: http.StatusForbidden, Message: "The security token included in the request is invalid."},
	"MissingAuthenticationToken": {Status: http.StatusForbidden, Message: "Missing Authentication Token"},
	"InvalidChangeBatch":         {Messages: []string{"Tried to delete resource record set but the values provided do not match the current values"}},
	"PriorRequestNotComplete":    {Status: http.StatusBadRequest, Message: "The request was rejected because Route 53 was still processing a prior request."},
	"SignatureDoesNotMatch":      {Status: http.StatusForbidden, Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
	"RequestExpired":             {Status: http.StatusBadRequest, Message: "Request has expired."},
	"InternalFailure":            {Status: http.StatusInternalServerError, Message: "We encountered an internal error. Please try again."},
	"ServiceUnavailable":         {Status: http.StatusServiceUnavailable, Message: "Service is unable to handle request."},
}

// refusal is the error with that code and what belongs to it.
func (s *Server) refusal(code string, c *call) *Error {
	e, ok := known[code]
	if code == "AccessDenied" {
		e.Status = http.StatusForbidden
		e.Message = fmt.Sprintf("User: arn:aws:iam::%s:user/operator is not authorized to perform: route53:%s on resource: %s because no identity-based policy allows the route53:%[2]s action",
			s.options.Account, c.action.name, c.resource())
	} else if !ok {
		e.Status, e.Message = http.StatusBadRequest, code
	}
	e.Code = code
	return &e
}

func noSuchZone(id string) *Error {
	return &Error{Code: "NoSuchHostedZone", Status: http.StatusNotFound, Message: "No hosted zone found with ID: " + id}
}

func invalidInput(format string, args ...any) *Error {
	return &Error{Code: "InvalidInput", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

type errorResponse struct {
	XMLName   xml.Name
	Error     errorDetail
	RequestId string
}

type errorDetail struct{ Type, Code, Message string }

type invalidChangeBatch struct {
	XMLName   xml.Name
	Messages  []string `xml:"Messages>Message"`
	RequestId string
}

// document returns what is written for the error. Route 53 has two forms for
// an InvalidChangeBatch: that of its manual, and, wrapped, that of all others.
func (e *Error) document(requestID string, wrapped bool) any {
	if e.Messages != nil && !wrapped {
		return invalidChangeBatch{xml.Name{Space: namespace, Local: "InvalidChangeBatch"}, e.Messages, requestID}
	}
	message, blame := e.Message, "Sender"
	if e.Messages != nil {
		message = "[" + strings.Join(e.Messages, ", ") + "]"
	}
	if e.status() >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	return errorResponse{xml.Name{Space: namespace, Local: "ErrorResponse"}, errorDetail{blame, e.Code, message}, requestID}
}

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}
