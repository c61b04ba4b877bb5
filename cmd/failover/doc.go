// Failover switches a name in a private zone of Route 53 to another address, and
// proves that the new address arrived.
//
//	failover switch --name app.example.com --zone example.com --address 10.0.0.2 \
//	    --forwarder 10.1.0.2 --forwarder 10.2.0.2 --key /etc/rndc.key
//
// # Verbs
//
// The first argument says what is to be done. Each verb lists its flags with --help.
// With --dry-run what changes anything says what it would do, and does not.
//
// # AWS
//
// Credentials, regions and addresses are found as AWS's own tools find them: in the
// environment (AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_ROUTE_53
// and so on), in ~/.aws, and in the role of the instance. --profile, --region and
// --role-arn come before those. A zone of another account takes a role there. Only
// private zones are found by their name; --zone-id takes any.
//
// # Exit status
//
//	0  done
//	1  wrong usage, or a failure that has no status of its own
//	2  refused: the record was not changed
//	3  the API of Route 53 failed
//	4  the change was accepted, and was not INSYNC in time
//	5  a server still gives the old address
//	6  the old address came back
//	7  a server could not be reached; all else is right
package main
