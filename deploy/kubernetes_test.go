package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// cluster is what the files for Kubernetes make.
type cluster struct {
	namespace  corev1.Namespace
	configMap  corev1.ConfigMap
	deployment appsv1.Deployment
	balancer   corev1.Service // the one of type LoadBalancer
	members    corev1.Service // the one without an address
	disruption policyv1.PodDisruptionBudget
	policy     networkingv1.NetworkPolicy
	monitor    monitoringv1.PodMonitor
	objects    []metav1.Object
}

func (c *cluster) pod() *corev1.PodSpec { return &c.deployment.Spec.Template.Spec }

// container is the only one.
func (c *cluster) container() *corev1.Container { return &c.pod().Containers[0] }

func (c *cluster) podLabels() map[string]string { return c.deployment.Spec.Template.Labels }

// kubernetesFiles are applied in this order.
var kubernetesFiles = []string{"kubernetes.yaml", "kubernetes-podmonitor.yaml"}

// readKubernetes returns the files' texts, as documents of one.
func readKubernetes(t *testing.T) string {
	t.Helper()
	var texts []string
	for _, path := range kubernetesFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return strings.Join(texts, "---\n")
}

// strictDecoder takes no field that the API does not have, and none twice.
func strictDecoder() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// decodeKubernetes reads all documents. Each kind is there once, but for the two
// Services.
func decodeKubernetes(text string) (*cluster, error) {
	c, decoder, kinds := &cluster{}, strictDecoder(), make(map[string]int)
	for documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return c, c.complete(kinds)
		}
		if err != nil {
			return nil, err
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return nil, err
		}
		kinds[kind.Kind]++
		if err := c.add(object); err != nil {
			return nil, err
		}
	}
}

// add keeps an object under its name.
func (c *cluster) add(object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.Namespace:
		c.namespace = *o
		return nil // it is in none
	case *corev1.ConfigMap:
		c.configMap = *o
	case *appsv1.Deployment:
		c.deployment = *o
	case *corev1.Service:
		if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
			c.balancer = *o
		} else {
			c.members = *o
		}
	case *policyv1.PodDisruptionBudget:
		c.disruption = *o
	case *networkingv1.NetworkPolicy:
		c.policy = *o
	case *monitoringv1.PodMonitor:
		c.monitor = *o
	default:
		return fmt.Errorf("%T is new to this test", object)
	}
	c.objects = append(c.objects, object.(metav1.Object))
	return nil
}

// complete tells what lacks or is there twice: all else rests on it.
func (c *cluster) complete(kinds map[string]int) error {
	for kind, want := range map[string]int{
		"Namespace": 1, "ConfigMap": 1, "Deployment": 1, "Service": 2, "PodDisruptionBudget": 1, "NetworkPolicy": 1, "PodMonitor": 1,
	} {
		if kinds[kind] != want {
			return fmt.Errorf("%d of %s, want %d", kinds[kind], kind, want)
		}
	}
	if n := len(c.pod().Containers); n != 1 {
		return fmt.Errorf("%d containers, want one", n)
	}
	if c.pod().SecurityContext == nil || c.container().SecurityContext == nil {
		return errors.New("no security context")
	}
	return nil
}

func TestKubernetes(t *testing.T) {
	for _, fault := range kubernetesFaults(t, readKubernetes(t), newRealProgram(t)) {
		t.Error(fault)
	}
}

// faults are what is wrong, in words.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// want compares values as they are printed.
func (f *faults) want(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.add("%s: %v, want %v", what, got, want)
	}
}

// is adds what does not hold.
func (f *faults) is(holds bool, format string, args ...any) {
	if !holds {
		f.add(format, args...)
	}
}

// kubernetesFaults holds everything against the text: what the API takes, what the
// objects say of each other, and what the real program makes of its part.
func kubernetesFaults(t *testing.T, text string, program realProgram) (f faults) {
	t.Helper()
	c, err := decodeKubernetes(text)
	if err != nil {
		f.add("decoding: %v", err)
		return f
	}
	for _, check := range []func(*faults){
		c.checkNames, c.checkSelectors, c.checkPorts, c.checkProbes, c.checkRestricted, c.checkPort53, c.checkRollout,
		c.checkSpread, c.checkBalancer, c.checkPolicy, c.checkMemory, c.checkVolumes, c.checkImage, c.checkAddresses,
	} {
		check(&f)
	}
	c.checkArgs(&f, program)
	c.checkNamedConf(t, &f, program)
	return f
}
