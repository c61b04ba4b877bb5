// Standin runs Route 53's stand-in and the VPC resolver's, which follows it, in
// one process: to try failover by hand, or in a network namespace. It ends with
// SIGINT or SIGTERM. Nothing is kept.
//
//	go run ./cmd/failover/route53/standin -delays 10s,20s,30s,40s -flap 30s &
//	dig @127.0.0.1 -p 5354 myservice.awslab.mycompany.corp
//	AWS_ENDPOINT_URL_ROUTE_53=http://127.0.0.1:5380 failover switch …
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/forwarder/vpcresolver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	api, dns  string
	vpc, zone string
	records   records
	delays    delays
	limited   bool
	caches    vpcresolver.Caches
	faults    vpcresolver.Faults
}

// records are each "NAME TTL TYPE VALUE...".
type records []route53.RecordSet

func (r *records) String() string { return "" }

func (r *records) Set(text string) error {
	fields := strings.Fields(text)
	if len(fields) < 4 {
		return errors.New(`want "NAME TTL TYPE VALUE", as "myservice.awslab.mycompany.corp 10 A 10.79.252.13"`)
	}
	ttl, err := strconv.ParseInt(fields[1], 10, 32)
	if err != nil {
		return fmt.Errorf("reading the TTL: %w", err)
	}
	r.add(route53.Simple(fields[0], fields[2], ttl, strings.Join(fields[3:], " ")))
	return nil
}

// add puts a set beside the others, or its value into the set of that name and type.
func (r *records) add(set route53.RecordSet) {
	for i, has := range *r {
		if has.Name == set.Name && has.Type == set.Type {
			(*r)[i].ResourceRecords = append(has.ResourceRecords, set.ResourceRecords...)
			return
		}
	}
	*r = append(*r, set)
}

// delays are one a server.
type delays []time.Duration

func (d *delays) String() string { return "" }

func (d *delays) Set(text string) error {
	*d = nil
	for _, part := range strings.Split(text, ",") {
		delay, err := time.ParseDuration(part)
		if err != nil {
			return fmt.Errorf("reading a delay: %w", err)
		}
		*d = append(*d, delay)
	}
	return nil
}

const service = "myservice.awslab.mycompany.corp"

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("standin", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.api, "api", "127.0.0.1:5380", "`address:port` of Route 53's API")
	f.StringVar(&o.dns, "dns", "127.0.0.1:5354", "`address:port` of the VPC resolver")
	f.StringVar(&o.zone, "zone", "awslab.mycompany.corp", "`name` of the private zone, whose ID is ZPRIVATE")
	f.StringVar(&o.vpc, "vpc", "vpc-0a1b2c3d", "`ID` of its VPC, in us-east-1")
	f.Var(&o.records, "record", "`\"NAME TTL TYPE VALUE\"` in it, again for more names, or more values of one (default \""+service+" 10 A 10.79.252.13\")")
	f.Var(&o.delays, "delays", "after which each authoritative server has a change, as `10s,20s,30s,40s` (default at once)")
	f.BoolVar(&o.limited, "limited", false, "throttle calls as Route 53 does")
	f.BoolVar(&o.caches.Instance, "instance", false, "a cache for each client's address before the fleet's")
	f.IntVar(&o.caches.Fleet, "fleet", 1, "`hosts` of the fleet, each with a cache")
	f.DurationVar(&o.faults.Flap, "flap", 0, "for how long after a change earlier answers come back")
	f.DurationVar(&o.faults.Stale, "stale", 0, "by how much the VPC resolver learns of a change too late")
	f.BoolVar(&o.faults.Zero, "zero", false, "TTL 0 in a record's last second")
	err := f.Parse(args)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("%q is no option", f.Arg(0))
	}
	if o.records == nil {
		o.records = records{route53.Simple(service, "A", 10, "10.79.252.13")}
	}
	return o, err
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	api, err := o.startAPI(out)
	if err != nil {
		return err
	}
	defer api.Close()
	resolver, err := o.startResolver(api, out)
	if err != nil {
		return err
	}
	defer resolver.Close()
	<-ctx.Done()
	return nil
}

func (o options) startAPI(out io.Writer) (*route53.Server, error) {
	settings := route53.Options{Delays: o.delays, Unsigned: true}
	if o.limited {
		settings.Calls = route53.DefaultCalls
	}
	api := route53.New(settings)
	zone := route53.Zone{ID: "ZPRIVATE", Name: o.zone, VPCs: []route53.VPC{{VPCRegion: "us-east-1", VPCId: o.vpc}}, Records: o.records}
	if _, err := api.AddZone(zone); err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddrPort(o.api)
	if err != nil {
		return nil, fmt.Errorf("reading -api: %w", err)
	}
	url, err := api.Listen(addr)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "Route 53 is at %s, zone ZPRIVATE (%s). To let failover use it:\n", url, o.zone)
	fmt.Fprintf(out, "  export AWS_ENDPOINT_URL_ROUTE_53=%s AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x\n", url)
	return api, nil
}

func (o options) startResolver(api *route53.Server, out io.Writer) (*vpcresolver.Resolver, error) {
	resolver, err := vpcresolver.New("", true)
	if err != nil {
		return nil, err
	}
	resolver.SetCaches(o.caches)
	resolver.SetFaults(".", o.faults)
	resolver.Follow(api.Authority(o.vpc))
	addr, err := netip.ParseAddrPort(o.dns)
	if err != nil {
		return nil, fmt.Errorf("reading -dns: %w", err)
	}
	bound, err := resolver.Listen(addr)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "The VPC resolver is at %s#%d\n", bound.Addr(), bound.Port())
	return resolver, nil
}
