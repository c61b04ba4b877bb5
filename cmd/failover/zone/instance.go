package zone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// metadataTimeout is for the token and the address together: the service is on the
// same machine.
const metadataTimeout = 5 * time.Second

// OwnAddress asks the metadata service of the EC2 instance for its first private
// address, IPv6 or IPv4. It never asks without a token (IMDSv1). The settings say
// the profile, which may say where the service is.
func OwnAddress(ctx context.Context, s Settings, v6 bool) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	item := "local-ipv4"
	if v6 {
		item = "ipv6"
	}
	cfg, err := config.LoadDefaultConfig(ctx, s.options()...)
	if err != nil {
		return netip.Addr{}, credentialsFailure(ctx, s, err)
	}
	client := imds.NewFromConfig(cfg, func(o *imds.Options) { o.EnableFallback = aws.FalseTernary })
	text, err := metadata(ctx, client, item)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("asking the instance for its address: %w", metadataError(err, item))
	}
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || a.Is6() != v6 {
		return netip.Addr{}, fmt.Errorf("asking the instance for its address: %q is none; give --address", text)
	}
	return a, nil
}

func metadata(ctx context.Context, client *imds.Client, item string) (string, error) {
	out, err := client.GetMetadata(ctx, &imds.GetMetadataInput{Path: item})
	if err != nil {
		return "", err
	}
	defer out.Content.Close()
	text, err := io.ReadAll(io.LimitReader(out.Content, 256))
	return string(text), err
}

// metadataError says what to do.
func metadataError(err error, item string) error {
	var r *smithyhttp.ResponseError
	switch {
	case strings.Contains(err.Error(), "access disabled to EC2 IMDS"):
		return errors.New("AWS_EC2_METADATA_DISABLED forbids it; give --address")
	case errors.As(err, &r) && r.HTTPStatusCode() == http.StatusNotFound:
		return fmt.Errorf("it has no %s; give --address", item)
	case strings.Contains(err.Error(), "StatusCode: 403"): // of the token: the SDK keeps no type
		return errors.New("its metadata service is turned off; give --address")
	}
	return fmt.Errorf("the metadata service gives no token (%v): is this an EC2 instance? In a container its hop limit must be 2 ('aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2'); or give --address", innermost(err))
}
