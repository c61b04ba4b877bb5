package deploy

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"vpcdns/forwarder/version"
)

func (c *cluster) checkNames(f *faults) {
	for _, o := range c.objects {
		f.want("namespace of "+o.GetName(), o.GetNamespace(), c.namespace.Name)
	}
	f.want("pod security of the namespace", c.namespace.Labels["pod-security.kubernetes.io/enforce"], "restricted")
	f.want("readiness gates of the namespace", c.namespace.Labels["elbv2.k8s.aws/pod-readiness-gate-inject"], "enabled")
}

// checkSelectors wants all to select the pods, by labels that do not change.
func (c *cluster) checkSelectors(f *faults) {
	selectors := map[string]*metav1.LabelSelector{
		"Deployment": c.deployment.Spec.Selector, "PodDisruptionBudget": c.disruption.Spec.Selector,
		"NetworkPolicy": &c.policy.Spec.PodSelector, "PodMonitor": &c.monitor.Spec.Selector,
		"Service":         metav1.SetAsLabelSelector(c.balancer.Spec.Selector),
		"members Service": metav1.SetAsLabelSelector(c.members.Spec.Selector),
	}
	for _, s := range c.pod().TopologySpreadConstraints {
		selectors["spread over "+s.TopologyKey] = s.LabelSelector
	}
	for who, selector := range selectors {
		s, err := metav1.LabelSelectorAsSelector(selector)
		f.is(err == nil && !s.Empty() && s.Matches(labels.Set(c.podLabels())), "%s selects %v, which is not the pods' %v", who, selector, c.podLabels())
	}
}

// portOf is the container's port of that name or number, or nil.
func (c *cluster) portOf(p intstr.IntOrString, protocol corev1.Protocol) *corev1.ContainerPort {
	for i, port := range c.container().Ports {
		if port.Protocol == protocol && (port.Name == p.StrVal || p.Type == intstr.Int && port.ContainerPort == p.IntVal) {
			return &c.container().Ports[i]
		}
	}
	return nil
}

func (c *cluster) checkPorts(f *faults) {
	var ports []string
	for _, p := range c.container().Ports {
		ports = append(ports, portText(p.Name, p.ContainerPort, p.Protocol))
	}
	f.want("ports of the container", ports, []string{"dns 53 UDP", "dns-tcp 53 TCP", "control 953 TCP", "health 8053 TCP", "metrics 9153 TCP"})
	f.want("ports of the Service", c.servicePorts(f, &c.balancer), []string{"dns 53 UDP", "dns-tcp 53 TCP"})
	f.want("ports of the members", c.servicePorts(f, &c.members), []string{"control 953 TCP"})
	f.want("address of the members' Service", c.members.Spec.ClusterIP, corev1.ClusterIPNone)
	f.is(c.members.Spec.PublishNotReadyAddresses, "the members' Service leaves out who ends or begins")
	f.is(!c.balancer.Spec.PublishNotReadyAddresses, "the Service sends to who is not ready")
	endpoint := c.monitor.Spec.PodMetricsEndpoints
	f.is(c.monitor.Spec.JobLabel == "app.kubernetes.io/name", "the PodMonitor's job is %q, want the name, which alerts.yaml goes by", c.monitor.Spec.JobLabel)
	f.is(len(endpoint) == 1 && endpoint[0].Port != nil && *endpoint[0].Port == "metrics" && endpoint[0].Path == "/metrics", "the PodMonitor scrapes %v, want the port metrics", endpoint)
	annotations := c.deployment.Spec.Template.Annotations
	f.want("scraping by annotations", []string{annotations["prometheus.io/scrape"], annotations["prometheus.io/port"], annotations["prometheus.io/path"]}, []string{"true", "9153", "/metrics"})
}

func portText(name string, port int32, protocol corev1.Protocol) string {
	return name + " " + strconv.Itoa(int(port)) + " " + string(protocol)
}

// servicePorts are those of a Service, each of which has to lead to the container's of
// the same number.
func (c *cluster) servicePorts(f *faults, s *corev1.Service) (list []string) {
	for _, p := range s.Spec.Ports {
		list = append(list, portText(p.Name, p.Port, p.Protocol))
		if target := c.portOf(p.TargetPort, p.Protocol); target == nil || target.ContainerPort != p.Port {
			f.add("port %s of the Service %s leads to %v", p.Name, s.Name, p.TargetPort.String())
		}
	}
	return list
}

func (c *cluster) checkProbes(f *faults) {
	for path, probe := range map[string]*corev1.Probe{"/readyz": c.container().ReadinessProbe, "/healthz": c.container().LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil {
			f.add("no probe by HTTP for %s", path)
			continue
		}
		f.want("path of a probe", probe.HTTPGet.Path, path)
		port := c.portOf(probe.HTTPGet.Port, corev1.ProtocolTCP)
		f.is(port != nil && port.Name == "health", "the probe of %s asks at the port %v", path, probe.HTTPGet.Port.String())
		f.is(probe.TimeoutSeconds >= 2, "the probe of %s waits %d s: the server itself may take 1 s to answer", path, probe.TimeoutSeconds)
	}
}

// checkRestricted is what the Pod Security Standard "restricted" wants, and a root
// that cannot be written.
func (c *cluster) checkRestricted(f *faults) {
	pod, own := c.pod(), c.container().SecurityContext
	f.is(value(pod.SecurityContext.RunAsNonRoot), "runAsNonRoot is not set")
	f.is(value(pod.SecurityContext.RunAsUser) > 0, "the user is not a number above 0")
	f.is(own.RunAsUser == nil && own.RunAsNonRoot == nil && own.SeccompProfile == nil, "the container has a user or a filter of its own")
	f.is(value(pod.SecurityContext.SeccompProfile).Type == corev1.SeccompProfileTypeRuntimeDefault, "the filter of system calls is not the runtime's")
	f.is(isFalse(own.AllowPrivilegeEscalation), "privileges may be gained")
	f.is(value(own.ReadOnlyRootFilesystem), "the root can be written")
	f.is(!value(own.Privileged), "the container is privileged")
	f.want("capabilities dropped", value(own.Capabilities).Drop, []string{"ALL"})
	f.want("capabilities added", value(own.Capabilities).Add, []string{"NET_BIND_SERVICE"})
	f.is(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "the pod shares a namespace of its node")
	f.is(isFalse(pod.AutomountServiceAccountToken), "the pod has a token for the cluster")
}

func isFalse(b *bool) bool { return b != nil && !*b }

// value is what p points to, zero for nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// checkPort53 wants what lets the user bind the ports: nothing else does.
func (c *cluster) checkPort53(f *faults) {
	f.want("sysctls", c.pod().SecurityContext.Sysctls, []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "53"}})
}

// flowTime is how long a network load balancer knows a UDP flow that is idle, in
// seconds; noticing is what it may take to hear of a pod that goes.
const flowTime, noticing = 120, 15

// checkRollout wants that the next one is ready before one goes, and that the one
// that goes serves until nobody is sent to it.
func (c *cluster) checkRollout(f *faults) {
	d := c.deployment.Spec
	f.is(value(d.Replicas) >= 2, "there are fewer than two forwarders")
	rolling := d.Strategy.RollingUpdate
	f.is(rolling != nil && rolling.MaxUnavailable != nil && rolling.MaxUnavailable.String() == "0" && rolling.MaxSurge != nil && rolling.MaxSurge.String() == "1", "a rollout takes one away before the next is ready")
	budget := c.disruption.Spec
	f.is(budget.MaxUnavailable != nil && budget.MaxUnavailable.String() == "1" && budget.MinAvailable == nil, "the disruption budget lets other than one go")
	f.is(value(budget.UnhealthyPodEvictionPolicy) == "AlwaysAllow", "a broken forwarder holds up the drain of its node")
	life := c.container().Lifecycle
	if life == nil || life.PreStop == nil || life.PreStop.Sleep == nil || c.pod().TerminationGracePeriodSeconds == nil {
		f.add("a forwarder that goes does not wait until nobody is sent to it")
		return
	}
	sleep, grace := life.PreStop.Sleep.Seconds, *c.pod().TerminationGracePeriodSeconds
	delay, _ := strconv.ParseInt(c.targetGroup()["deregistration_delay.timeout_seconds"], 10, 64)
	f.is(delay >= flowTime, "the balancer keeps flows for %d s, want %d", delay, flowTime)
	f.is(sleep >= delay+noticing, "preStop waits %d s, and the balancer sends for %d s and %d more", sleep, delay, noticing)
	f.is(grace >= sleep+10, "the grace period of %d s is not 10 s longer than preStop's %d", grace, sleep)
}

func (c *cluster) checkSpread(f *faults) {
	want := map[string]corev1.UnsatisfiableConstraintAction{corev1.LabelTopologyZone: corev1.DoNotSchedule, corev1.LabelHostname: corev1.ScheduleAnyway}
	got := make(map[string]corev1.UnsatisfiableConstraintAction)
	for _, s := range c.pod().TopologySpreadConstraints {
		got[s.TopologyKey] = s.WhenUnsatisfiable
		f.want("skew over "+s.TopologyKey, s.MaxSkew, 1)
		f.want("labels of "+s.TopologyKey, s.MatchLabelKeys, []string{"pod-template-hash"})
		f.is(value(s.NodeTaintsPolicy) == corev1.NodeInclusionPolicyHonor, "nodes that are lost count in %s", s.TopologyKey)
	}
	f.is(maps.Equal(got, want), "the spread is %v, want %v", got, want)
}

const balancerPrefix = "service.beta.kubernetes.io/aws-load-balancer-"

// attributes reads key=value,key=value of an annotation.
func attributes(s string) map[string]string {
	all := make(map[string]string)
	for a := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(a), "=")
		all[key] = value
	}
	return all
}

func (c *cluster) targetGroup() map[string]string {
	return attributes(c.balancer.Annotations[balancerPrefix+"target-group-attributes"])
}

func (c *cluster) checkBalancer(f *faults) {
	f.is(value(c.balancer.Spec.LoadBalancerClass) == "service.k8s.aws/nlb", "the Service is not of the class service.k8s.aws/nlb")
	f.want("externalTrafficPolicy", c.balancer.Spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyLocal)
	for key, want := range map[string]string{
		"scheme": "internal", "nlb-target-type": "ip", "enable-tcp-udp-listener": "true", "attributes": "load_balancing.cross_zone.enabled=true",
		"healthcheck-protocol": "http", "healthcheck-port": "8053", "healthcheck-path": "/readyz",
	} {
		f.want("annotation "+key, c.balancer.Annotations[balancerPrefix+key], want)
	}
	for key, value := range c.balancer.Annotations {
		f.is(strings.HasPrefix(key, balancerPrefix) && value == strings.TrimSpace(value), "annotation %s: %q is not the controller's", key, value)
	}
	group := c.targetGroup()
	f.want("keeping the clients' addresses", group["preserve_client_ip.enabled"], "true")
	f.want("ending flows at the end of the delay", group["deregistration_delay.connection_termination.enabled"], "true")
}

// checkPolicy wants exactly these ways, each from or to somebody.
func (c *cluster) checkPolicy(f *faults) {
	f.want("policy types", c.policy.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"})
	var ways []string
	for _, rule := range c.policy.Spec.Ingress {
		ways = append(ways, c.policyWays(f, "from", rule.From, rule.Ports, true)...)
	}
	for _, rule := range c.policy.Spec.Egress {
		ways = append(ways, c.policyWays(f, "to", rule.To, rule.Ports, false)...)
	}
	f.want("ways in and out", strings.Join(ways, "\n"), strings.Join([]string{
		"from 10.0.0.0/8: dns UDP", "from 10.0.0.0/8: dns-tcp TCP",
		"from 10.79.0.0/16: health TCP", "from 10.79.0.0/16: control TCP",
		"from namespace monitoring: metrics TCP",
		"to 10.79.0.2/32: 53 UDP", "to 10.79.0.2/32: 53 TCP",
		"to namespace kube-system, kube-dns: 53 UDP", "to namespace kube-system, kube-dns: 53 TCP",
		"to forwarder: control TCP",
	}, "\n"))
}

// policyWays has a line for each port and peer of a rule; own are our ports, which have
// to be there.
func (c *cluster) policyWays(f *faults, direction string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, own bool) (ways []string) {
	f.is(len(peers) == 1 && len(ports) > 0, "a rule of the NetworkPolicy is for anybody, or any port")
	for _, peer := range peers {
		for _, p := range ports {
			port, protocol := value(p.Port), value(p.Protocol)
			ways = append(ways, direction+" "+peerText(peer)+": "+port.String()+" "+string(protocol))
			f.is(!own && port.Type == intstr.Int || c.portOf(port, protocol) != nil, "the NetworkPolicy is about the port %s, which the container does not have", port.String())
		}
	}
	return ways
}

func peerText(p networkingv1.NetworkPolicyPeer) string {
	var words []string
	if p.IPBlock != nil {
		words = append(words, p.IPBlock.CIDR)
	}
	if p.NamespaceSelector != nil {
		words = append(words, "namespace "+p.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
	}
	if p.PodSelector != nil {
		words = append(words, slices.Sorted(maps.Values(p.PodSelector.MatchLabels))...)
	}
	return strings.Join(words, ", ")
}

func (c *cluster) checkMemory(f *faults) {
	r := c.container().Resources
	f.is(r.Limits.Memory().Value() >= 256<<20, "the limit of the memory is %v, want 256Mi at least", r.Limits.Memory())
	f.want("memory requested", r.Requests.Memory(), r.Limits.Memory())
	f.is(r.Limits.Cpu().IsZero() && !r.Requests.Cpu().IsZero(), "the processor is limited, or none is asked for")
	f.is(!strings.Contains(c.namedConf(), "\n    max-cache-size"), "max-cache-size is set beside the limit of the memory")
}

// checkVolumes wants the file of the configuration with its key, read-only and
// whole, so that changes arrive; and a place for the state.
func (c *cluster) checkVolumes(f *faults) {
	volumes := make(map[string]corev1.Volume)
	for _, v := range c.pod().Volumes {
		volumes[v.Name] = v
	}
	mounts := make(map[string]corev1.VolumeMount)
	for _, m := range c.container().VolumeMounts {
		mounts[m.MountPath] = m
		f.is(m.SubPath == "", "the mount %s is of one file, which never changes", m.MountPath)
	}
	configuration, state := mounts[path.Dir(c.flag("-c"))], mounts[path.Dir(c.flag("--state-file"))]
	f.is(volumes[state.Name].EmptyDir != nil && !state.ReadOnly, "the state file %s is in no emptyDir", c.flag("--state-file"))
	projected := volumes[configuration.Name].Projected
	if projected == nil || !configuration.ReadOnly {
		f.add("the configuration %s is in no projected volume that is read-only", c.flag("-c"))
		return
	}
	f.want("mode of the configuration and key", strconv.FormatInt(int64(value(projected.DefaultMode)), 8), 440)
	f.is(value(c.pod().SecurityContext.FSGroup) == value(c.pod().SecurityContext.RunAsGroup), "the group cannot read the key")
	for _, s := range projected.Sources {
		switch {
		case s.ConfigMap != nil:
			f.want("ConfigMap in the volume", s.ConfigMap.Name, c.configMap.Name)
			f.want("files of the ConfigMap", s.ConfigMap.Items, []corev1.KeyToPath{{Key: "named.conf", Path: path.Base(c.flag("-c"))}})
		case s.Secret != nil:
			f.want("files of the Secret", s.Secret.Items, []corev1.KeyToPath{{Key: "rndc.key", Path: "rndc.key"}})
			f.is(s.Secret.Optional == nil, "a forwarder starts without its key")
		}
	}
}

// checkImage holds the image's tag and user against what is built.
func (c *cluster) checkImage(f *faults) {
	_, tag, _ := strings.Cut(c.container().Image, ":")
	f.want("version of the image", tag, version.Number)
	f.is(c.container().Command == nil, "the image's entrypoint is replaced")
	text, err := os.ReadFile("Containerfile")
	user := fmt.Sprintf("%d:%d", value(c.pod().SecurityContext.RunAsUser), value(c.pod().SecurityContext.RunAsGroup))
	f.is(err == nil && strings.Contains(string(text), "\nUSER "+user+"\n"), "the image is not for the user %s: %v", user, err)
}

// checkAddresses wants the reference's, the same as in the NetworkPolicy.
func (c *cluster) checkAddresses(f *faults) {
	const clients, vpc, resolver = "10.0.0.0/8", "10.79.0.0/16", "10.79.0.2"
	conf := c.namedConf()
	f.want("what the balancer admits", c.balancer.Spec.LoadBalancerSourceRanges, []string{clients})
	f.is(strings.Contains(conf, "acl goodclients {\n    "+clients+";\n    localhost;\n}"), "named.conf has other clients than %s", clients)
	f.want("forwarders lines in named.conf with "+resolver, strings.Count(conf, "forwarders { "+resolver+"; };"), strings.Count(conf, "forwarders {"))
	f.is(strings.Contains(conf, "allow { "+vpc+"; localhost; }"), "controls in named.conf admits others than %s", vpc)
	c.checkFixed(f, netip.MustParsePrefix(vpc))
}

// checkFixed wants two addresses of the VPC, in two subnets that are named, and pods in
// two zones.
func (c *cluster) checkFixed(f *faults, vpc netip.Prefix) {
	subnets := make(map[netip.Prefix]bool)
	for s := range strings.SplitSeq(c.balancer.Annotations[balancerPrefix+"private-ipv4-addresses"], ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		free := err == nil && vpc.Contains(a) && a.As4()[3] > 3 && a.As4()[3] < 255
		f.is(free, "address %q of the balancer is none of the VPC that AWS leaves free", s)
		subnet, _ := a.Prefix(24)
		subnets[subnet] = free
	}
	f.want("subnets of the balancer", len(subnets), 2)
	named := strings.Split(c.balancer.Annotations[balancerPrefix+"subnets"], ", ")
	f.is(len(named) == 2 && named[0] != named[1], "the balancer's subnets are %q, want the two of its addresses", named)
	f.want("zones of the pods", c.zones(), []string{"us-east-1a", "us-east-1b"})
}

// zones are those that pods are kept to.
func (c *cluster) zones() []string {
	terms := value(value(value(c.pod().Affinity).NodeAffinity).RequiredDuringSchedulingIgnoredDuringExecution).NodeSelectorTerms
	if len(terms) != 1 || len(terms[0].MatchExpressions) != 1 {
		return nil
	}
	e := terms[0].MatchExpressions[0]
	if e.Key != corev1.LabelTopologyZone || e.Operator != corev1.NodeSelectorOpIn {
		return nil
	}
	return e.Values
}
