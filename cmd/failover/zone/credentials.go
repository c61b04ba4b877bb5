package zone

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// credentialsFailure explains why there are none. Nothing was asked of Route 53.
func credentialsFailure(ctx context.Context, s Settings, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return fmt.Errorf("getting credentials: %w", context.Canceled)
	}
	return &failure{kind: ErrAPI, cause: err, answered: true, text: "getting credentials: " + s.credentialsWords(ctx, err)}
}

func (s Settings) credentialsWords(ctx context.Context, err error) string {
	var profile config.SharedConfigProfileNotExistError
	var sso *ssocreds.InvalidTokenError
	var api smithy.APIError
	var operation *smithy.OperationError
	switch {
	case errors.As(err, &profile):
		return fmt.Sprintf("there is no profile %q in ~/.aws/config or ~/.aws/credentials: see --profile and AWS_PROFILE", profile.Profile)
	case errors.As(err, &sso), strings.Contains(err.Error(), "SSO token"):
		return "there is no SSO session, or it has expired: run 'aws sso login' for this profile and try again"
	case errors.As(err, new(config.AssumeRoleTokenProviderNotSetError)):
		return "the profile needs an MFA code, which this program does not ask for: get a session with 'aws sts get-session-token' first"
	case ctx.Err() != nil:
		return fmt.Sprintf("there were none in time (%v)", innermost(err))
	case strings.Contains(err.Error(), "no EC2 IMDS role found"):
		return "there are none in the environment, in ~/.aws, or in a role of this instance: see --profile and AWS_PROFILE"
	case errors.As(err, &operation) && operation.Service() == "STS":
		return s.roleWords(err, errors.As(err, &api) && api.ErrorCode() == "AccessDenied")
	}
	return strings.Join(strings.Fields(err.Error()), " ") // in one line
}

// roleWords say why a role could not be taken.
func (s Settings) roleWords(err error, denied bool) string {
	role := s.RoleARN
	if role == "" {
		role = "of the profile"
	}
	f := explain(err)
	if denied && !strings.Contains(f.text, "clock") {
		return fmt.Sprintf("AWS does not let these credentials take the role %s: its trust policy must name them, and --external-id if it asks for one (%v)", role, innermost(err))
	}
	return fmt.Sprintf("taking the role %s: %s", role, f.text)
}
