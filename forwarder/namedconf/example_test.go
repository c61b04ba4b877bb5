package namedconf_test

import (
	"fmt"
	"os"

	"vpcdns/forwarder/namedconf"
)

// A file with two faults: both are found, and the rest is still there.
func ExampleParse() {
	const src = `options { recursion yes };
zone "example.corp" { type forward; forwarders { 10.79.0.2; }; };;
`
	file := namedconf.Parse("named.conf", []byte(src), namedconf.Limits{})
	for _, finding := range file.Findings {
		fmt.Println(finding)
	}
	if err := namedconf.Format(os.Stdout, file.Statements); err != nil {
		fmt.Println(err)
	}
	// Output:
	// named.conf:1:25: missing ';' before '}'
	// named.conf:2:66: syntax error near ';': there is nothing before it
	// options {
	// 	recursion yes;
	// };
	// zone "example.corp" {
	// 	type forward;
	// 	forwarders {
	// 		10.79.0.2;
	// 	};
	// };
}
