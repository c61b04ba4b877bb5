package deploy

import (
	"strings"
	"testing"
)

// plantedInKubernetes are errors that a text may have, each an edit of it, and words of
// what is said about it. The first place counts.
var plantedInKubernetes = []struct{ name, old, new, want string }{
	// The API.
	{"unknown field", "  replicas: 2", "  replica: 2", `unknown field "spec.replica"`},
	{"field in another case", "  replicas: 2", "  Replicas: 2", `unknown field "spec.Replicas"`},
	{"field twice", "  replicas: 2", "  replicas: 2\n  replicas: 3", "already set in map"},
	{"field at another place", "      automountServiceAccountToken: false", "      readOnlyRootFilesystem: true", "unknown field"},
	{"number for a text", `value: "53"`, "value: 53", "decoding"},
	{"text for a number", "periodSeconds: 5", "periodSeconds: 5s", "decoding"},
	{"a quantity without such a unit", "memory: 512Mi", "memory: 512MB", "quantities must match"},
	{"no such version", "apiVersion: policy/v1", "apiVersion: policy/v1beta1", "no kind"},
	{"unknown field of the PodMonitor", "podMetricsEndpoints:", "podMetricEndpoints:", "unknown field"},
	{"another kind", "apiVersion: policy/v1\nkind: PodDisruptionBudget", "apiVersion: v1\nkind: PersistentVolumeClaim", "decoding"},
	{"no NetworkPolicy", "kind: NetworkPolicy\nmetadata:", "kind: NetworkPolicyList\nmetadata:", "decoding"},
	{"a Service of no type", "  type: LoadBalancer\n", "", "ports of the Service"},
	{"no security context", "          securityContext:\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            capabilities:\n              drop: [ALL]\n", "          stdin: false\n          securityContext:\n            capabilities:\n", "capabilities dropped"},
	{"indented too far", "      containers:\n", "        containers:\n", "decoding"},

	// Names and labels.
	{"another namespace", "kind: PodDisruptionBudget\nmetadata:\n  name: forwarder\n  namespace: forwarder", "kind: PodDisruptionBudget\nmetadata:\n  name: forwarder\n  namespace: default", "namespace of forwarder"},
	{"the Deployment's selector", "    matchLabels:\n      app.kubernetes.io/name: forwarder\n  template", "    matchLabels:\n      app.kubernetes.io/name: dns\n  template", "Deployment selects"},
	{"the Service's selector", "  selector:\n    app.kubernetes.io/name: forwarder\n  ports:\n    - name: dns\n", "  selector:\n    app: forwarder\n  ports:\n    - name: dns\n", "Service selects"},
	{"the policy's selector", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: forwarder\n  policyTypes", "  podSelector: {}\n  policyTypes", "NetworkPolicy selects"},
	{"the spread's selector", "          labelSelector:\n            matchLabels:\n              app.kubernetes.io/name: forwarder", "          labelSelector:\n            matchLabels:\n              app.kubernetes.io/name: other", "spread over topology.kubernetes.io/zone selects"},
	{"no standard for pods", "enforce: restricted", "enforce: privileged", "pod security"},

	// Ports and probes.
	{"UDP alone", "    - name: dns-tcp\n      port: 53\n      targetPort: dns-tcp\n      protocol: TCP\n", "", "ports of the Service"},
	{"members that no override reaches", "  publishNotReadyAddresses: true\n", "", "who ends or begins"},
	{"questions to who is not ready", "  type: LoadBalancer\n", "  type: LoadBalancer\n  publishNotReadyAddresses: true\n", "sends to who is not ready"},
	{"UDP to the port of TCP", "targetPort: dns\n", "targetPort: dns-tcp\n", "leads to dns-tcp"},
	{"another port of the container", "containerPort: 8053", "containerPort: 8054", "ports of the container"},
	{"a port past the last", "      port: 53\n      targetPort: dns\n", "      port: 65589\n      targetPort: dns\n", "ports of the Service"},
	{"the other protocol", "      port: 53\n      targetPort: dns\n      protocol: UDP", "      port: 53\n      targetPort: dns\n      protocol: TCP", "leads to dns"},
	{"a probe of no such path", "path: /readyz\n              port", "path: /ready\n              port", "path of a probe"},
	{"a probe of the metrics", "path: /healthz\n              port: health", "path: /healthz\n              port: metrics", "asks at the port"},
	{"a hasty probe", "timeoutSeconds: 3", "timeoutSeconds: 1", "waits 1 s"},
	{"no liveness probe", "livenessProbe:", "startupProbe:", "no probe by HTTP for /healthz"},
	{"metrics at another port", `prometheus.io/port: "9153"`, `prometheus.io/port: "9113"`, "scraping by annotations"},
	{"the PodMonitor's job", "  jobLabel: app.kubernetes.io/name", "  jobLabel: app", "the PodMonitor's job is"},
	{"the PodMonitor's port", "    - port: metrics\n      path", "    - port: health\n      path", "the PodMonitor scrapes"},

	// What it may.
	{"root", "runAsUser: 25", "runAsUser: 0", "not a number above 0"},
	{"root by default", "        runAsNonRoot: true\n", "", "runAsNonRoot"},
	{"a root that can be written", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "root can be written"},
	{"all capabilities", "drop: [ALL]", "drop: [CHOWN]", "capabilities dropped"},
	{"one capability more", "add: [NET_BIND_SERVICE]", "add: [NET_BIND_SERVICE, NET_RAW]", "capabilities added"},
	{"privileges", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "may be gained"},
	{"no filter of system calls", "type: RuntimeDefault", "type: Unconfined", "filter of system calls"},
	{"a token", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token"},
	{"the node's network", "      enableServiceLinks: false", "      hostNetwork: true", "namespace of its node"},
	{"ports from 1024 on", `value: "53"`, `value: "1024"`, "sysctls"},
	{"an unsafe sysctl", "net.ipv4.ip_unprivileged_port_start\n", "net.core.rmem_max\n", "sysctls"},

	// Rollouts, drains, zones.
	{"one forwarder", "  replicas: 2", "  replicas: 1", "fewer than two"},
	{"one away at first", "maxUnavailable: 0", "maxUnavailable: 1", "before the next is ready"},
	{"no wait before the end", "            preStop:\n              sleep:\n                seconds: 150\n", "            postStart:\n              sleep:\n                seconds: 150\n", "does not wait"},
	{"a short wait before the end", "seconds: 150", "seconds: 30", "preStop waits 30 s"},
	{"a short grace", "terminationGracePeriodSeconds: 180", "terminationGracePeriodSeconds: 30", "grace period"},
	{"flows that outlive the forwarder", "timeout_seconds=120", "timeout_seconds=300", "preStop waits 150 s"},
	{"flows that stay", "connection_termination.enabled=true", "connection_termination.enabled=false", "ending flows"},
	{"both may go", "  maxUnavailable: 1\n  unhealthy", "  maxUnavailable: 2\n  unhealthy", "other than one"},
	{"zones at will", "whenUnsatisfiable: DoNotSchedule", "whenUnsatisfiable: ScheduleAnyway", "the spread is"},
	{"a spread over old and new", "          matchLabelKeys: [pod-template-hash]\n", "", "labels of topology.kubernetes.io/zone"},
	{"lost zones count", "nodeTaintsPolicy: Honor", "nodeTaintsPolicy: Ignore", "nodes that are lost"},

	// The balancer.
	{"a public balancer", "balancer-scheme: internal", "balancer-scheme: internet-facing", "annotation scheme"},
	{"nodes in between", "externalTrafficPolicy: Local", "externalTrafficPolicy: Cluster", "externalTrafficPolicy"},
	{"one protocol", "enable-tcp-udp-listener: ", "enable-udp-tcp-listener: ", "annotation enable-tcp-udp-listener"},
	{"health by TCP", "healthcheck-protocol: http", "healthcheck-protocol: tcp", "annotation healthcheck-protocol"},
	{"an address that AWS keeps", "10.79.1.10, 10.79.2.10", "10.79.1.3, 10.79.2.10", "AWS leaves free"},
	{"both in one zone", "10.79.1.10, 10.79.2.10", "10.79.1.10, 10.79.1.11", "subnets of the balancer"},
	{"subnets of all zones", "    service.beta.kubernetes.io/aws-load-balancer-subnets: subnet-AAAA, subnet-BBBB\n", "", "the balancer's subnets"},
	{"a subnet without an address", "subnet-AAAA, subnet-BBBB", "subnet-AAAA, subnet-BBBB, subnet-CCCC", "the balancer's subnets"},
	{"a pod that gets nothing", "values: [us-east-1a, us-east-1b]", "values: [us-east-1a, us-east-1b, us-east-1c]", "zones of the pods"},
	{"pods but there", "                    operator: In\n", "                    operator: NotIn\n", "zones of the pods"},
	{"clients of elsewhere", "loadBalancerSourceRanges: [10.0.0.0/8]", "loadBalancerSourceRanges: [0.0.0.0/0]", "what the balancer admits"},

	// The policy.
	{"DNS for all", "    - from:\n        - ipBlock:\n            cidr: 10.0.0.0/8\n      ports", "    - ports", "for anybody"},
	{"metrics for other namespaces", "metadata.name: monitoring", "metadata.name: default", "ways in and out"},
	{"another resolver", "cidr: 10.79.0.2/32", "cidr: 10.79.0.3/32", "ways in and out"},
	{"out at will", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "policy types"},
	{"a port that is not there", "        - port: health\n          protocol: TCP", "        - port: https\n          protocol: TCP", "does not have"},

	// Memory, files, image.
	{"too little memory", "limits:\n              memory: 512Mi", "limits:\n              memory: 64Mi", "limit of the memory is 64Mi"},
	{"memory that may not be there", "memory: 512Mi\n            limits", "memory: 256Mi\n            limits", "memory requested"},
	{"a slow processor", "limits:\n              memory", "limits:\n              cpu: 100m\n              memory", "processor is limited"},
	{"a file that never changes", "mountPath: /etc/bind\n", "mountPath: /etc/bind\n              subPath: named.conf\n", "never changes"},
	{"the state in the image", "mountPath: /var/lib/forwarder", "mountPath: /var/lib/other", "in no emptyDir"},
	{"a configuration of elsewhere", "            - /etc/bind/named.conf", "            - /etc/named.conf", "in no projected volume"},
	{"a key for all to read", "defaultMode: 0440", "defaultMode: 0444", "mode of the configuration"},
	{"no such ConfigMap", "- configMap:\n                  name: forwarder\n", "- configMap:\n                  name: named\n", "ConfigMap in the volume"},
	{"a start without key", "                  name: forwarder-key\n", "                  name: forwarder-key\n                  optional: true\n", "without its key"},
	{"an old image", "forwarder:1.0.0", "forwarder:0.9.0", "version of the image"},
	{"another user", "runAsUser: 25", "runAsUser: 1000", "not for the user"},

	// The program.
	{"no such flag", "--upstream-pps=450", "--upstream-qps=450", "unknown flag: --upstream-qps"},
	{"a value that is none", "--health-address=#8053", "--health-address=health", "arguments"},
	{"members of another name", "--member=forwarder-members", "--member=forwarder", "name of the others"},
	{"two forwarders past the limit", "--upstream-pps=450", "--upstream-pps=900", "packets a second"},
	{"no such option", "    querylog no;", "    querylogs no;", "unknown option 'querylogs'"},
	{"an option that is refused", "    forward only;", "    forward only;\n    dns64 64:ff9b::/96 { };", "named.conf: exit status 1"},
	{"no semicolon", "    dnssec-validation no;", "    dnssec-validation no", "named.conf: exit status 1"},
	{"an option that is missed", "    dnssec-validation no;", "    dnssec-validation auto;", "named.conf: <nil>"},
	{"a key of another name", `keys { "rndc-key"; }`, `keys { "other-key"; }`, "named.conf: "},
	{"the cluster's resolver", "forwarders { 10.79.0.2; };", "forwarders { 10.100.0.10; };", "forwarders lines"},
}

func TestKubernetesPlanted(t *testing.T) {
	text, program := readKubernetes(t), newRealProgram(t)
	for _, planted := range plantedInKubernetes {
		t.Run(planted.name, func(t *testing.T) {
			if !strings.Contains(text, planted.old) {
				t.Fatalf("the files have no %q", planted.old)
			}
			found := kubernetesFaults(t, strings.Replace(text, planted.old, planted.new, 1), program)
			if !strings.Contains(strings.Join(found, "\n"), planted.want) {
				t.Errorf("found %q, want %q among it", found, planted.want)
			}
		})
	}
}
