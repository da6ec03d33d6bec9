package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

var chartDir = filepath.Join("..", "..", "charts", "wangge")

func TestTheCommittedManifestsAreWhatTheTemplatesRender(t *testing.T) {
	if err := run(chartDir, true); err != nil {
		t.Error(err)
	}
}

func TestEachSetHoldsTheObjectsItPromises(t *testing.T) {
	for values, want := range map[string][]string{
		"": {"NetworkPolicy", "Service", "ServiceAccount", "StatefulSet"},
		"values-postgres.yaml": {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job",
			"NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "Service", "ServiceAccount", "ServiceAccount"},
	} {
		var got []string
		for _, object := range objects(t, manifests(t, values)) {
			got = append(got, object.GetObjectKind().GroupVersionKind().Kind)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", values, got, want)
		}
	}
}

func TestValuesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []struct{ name, values, reason string }{
		{"two replicas on one SQLite file", "replicas: 2", "replicas"},
		{"autoscaling on one SQLite file", "autoscaling: {enabled: true}", "autoscaling"},
		{"a provisioning Job beside the SQLite writer", "provision: {files: {a.yaml: x}, adminSecret: {name: a}}", "files"},
		{"a Vault beside SQLite", "vault: {address: 'https://v'}", "address"},
		{"a Vault without TLS", "{database: postgres, postgres: {secret: {name: a}}, vault: {address: 'http://v'}}", "address"},
		{"files in a place that replicas don't share", "blobs: {address: /srv/files}", "address"},
		{"an unknown key", "replica: 1", "replica"},
		{"an unknown key inside", "image: {repo: x}", "repo"},
		{"a number as text", "replicas: three", "replicas"},
		{"an unknown database", "database: mysql", "database"},
		{"PostgreSQL without its secret", "database: postgres", "secret"},
		{"provisioning without the provisioner's secret",
			"{database: postgres, postgres: {secret: {name: a}}, provision: {files: {a.yaml: x}}}", "adminSecret"},
		{"an ingress without a host", "ingress: {enabled: true}", "host"},
		{"a floating tag", "image: {tag: latest}", "tag"},
		{"a secret in plain sight", "postgres: {dsn: 'postgres://u:p@h/d'}", "dsn"},
		{"fewer replicas at most than at least",
			"{database: postgres, postgres: {secret: {name: a}}, autoscaling: {enabled: true, min: 7}}", "autoscaling.min"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := render(chartDir, parse(t, c.values))
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want a refusal that names %s", err, c.reason)
			}
		})
	}
}

func TestEveryPodIsLockedDown(t *testing.T) {
	for _, pod := range pods(t) {
		spec := pod.Spec
		if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken || spec.HostNetwork || spec.HostPID || spec.HostIPC {
			t.Errorf("%s: the pod can reach the cluster or its node", pod.Name)
		}
		if s := spec.SecurityContext; s == nil || !isTrue(s.RunAsNonRoot) || s.RunAsUser == nil || *s.RunAsUser == 0 ||
			s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: got security context %+v, want non-root and RuntimeDefault seccomp", pod.Name, s)
		}
		for _, c := range append(spec.Containers, spec.InitContainers...) {
			s := c.SecurityContext
			if s == nil || !isTrue(s.ReadOnlyRootFilesystem) || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
				s.Privileged != nil || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s: got container security context %+v", pod.Name, s)
			}
			if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: got resources %+v, want requests and a memory limit", pod.Name, c.Resources)
			}
		}
	}
}

func TestOnlyAProvisioningJobHoldsTheProvisionersDSN(t *testing.T) {
	held := 0
	for _, pod := range pods(t) {
		job := pod.Labels["app.kubernetes.io/component"] == "provision"
		for _, env := range pod.Spec.Containers[0].Env {
			if strings.HasPrefix(env.Name, "WANGGE_POSTGRES") && (env.Value != "" || env.ValueFrom.SecretKeyRef == nil) {
				t.Errorf("%s: %s does not come from a secret", pod.Name, env.Name)
			}
			if env.Name != "WANGGE_POSTGRES_ADMIN" {
				continue
			}
			if held++; !job {
				t.Errorf("%s holds %s", pod.Name, env.Name)
			}
		}
	}
	if held != 1 {
		t.Errorf("got %d containers with the provisioner's DSN, want the Job's", held)
	}
}

func TestTheServerAndTheJobLogInToVaultAsThemselves(t *testing.T) {
	roles := map[string]string{}
	for _, pod := range pods(t) {
		tokens := 0
		for _, v := range pod.Spec.Volumes {
			if v.Projected != nil {
				if tokens++; v.Projected.Sources[0].ServiceAccountToken.Audience != "vault" {
					t.Errorf("%s: the token is good for %q", pod.Name, v.Projected.Sources[0].ServiceAccountToken.Audience)
				}
			}
		}
		for _, env := range pod.Spec.Containers[0].Env {
			if env.Name == "WANGGE_VAULT_KUBERNETES_ROLE" {
				if roles[env.Value] = pod.Spec.ServiceAccountName; tokens != 1 {
					t.Errorf("%s has %d tokens, want one", pod.Name, tokens)
				}
			}
			if strings.HasPrefix(env.Name, "AWS_") && env.ValueFrom.SecretKeyRef == nil {
				t.Errorf("%s: %s does not come from a secret", pod.Name, env.Name)
			}
		}
	}
	serve, provision := roles["wangge-serve"], roles["wangge-provision"]
	if len(roles) != 2 || serve == "" || provision != serve+"-provision" {
		t.Errorf("got the accounts %v by role, want one for each", roles)
	}
}

// An apply does nothing without a plan or a word that none is wanted.
func TestTheJobAppliesWithoutAsking(t *testing.T) {
	for _, pod := range pods(t) {
		if pod.Labels["app.kubernetes.io/component"] == "provision" && !slices.Contains(pod.Spec.Containers[0].Args, "--auto-approve") {
			t.Errorf("got %v", pod.Spec.Containers[0].Args)
		}
	}
}

func TestTheServerIsProbedAndFoundByItsService(t *testing.T) {
	for _, values := range sets {
		var service *corev1.Service
		var server *corev1.PodTemplateSpec
		for _, object := range objects(t, manifests(t, values)) {
			switch o := object.(type) {
			case *corev1.Service:
				service = o
			case *appsv1.Deployment:
				server = &o.Spec.Template
			case *appsv1.StatefulSet:
				server = &o.Spec.Template
			}
		}
		for key, value := range service.Spec.Selector {
			if server.Labels[key] != value {
				t.Errorf("%q: the service selects %s=%s, the server has %v", values, key, value, server.Labels)
			}
		}
		c := server.Spec.Containers[0]
		if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.Ports[0].Name != service.Spec.Ports[0].TargetPort.StrVal {
			t.Errorf("%q: got probes %v, %v and ports %v", values, c.LivenessProbe.HTTPGet, c.ReadinessProbe.HTTPGet, c.Ports)
		}
	}
}

func TestOptionalValuesReachTheManifest(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	out, err := render(chartDir, parse(t, `{image: {repository: hub.example.org/wangge, digest: "`+digest+`"}, imagePullSecrets: [pull],
		persistence: {storageClass: fast}, podAnnotations: {a: b}, nodeSelector: {disk: ssd}, tolerations: [{key: city, operator: Exists}],
		behindTLS: false, ingress: {enabled: true, host: a.example.org, annotations: {c: d}}, networkPolicy: {enabled: false}}`))
	if err != nil {
		t.Fatal(err)
	}
	objects(t, out)
	for _, want := range []string{"image: hub.example.org/wangge@" + digest, "name: pull", "storageClassName: fast", "a: b", "disk: ssd", "key: city",
		`value: "false"`, `host: "a.example.org"`, "c: d"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the manifest lacks %q", want)
		}
	}
	if bytes.Contains(out, []byte("NetworkPolicy")) {
		t.Error("got a NetworkPolicy, want none")
	}
}

// kinds are the Kubernetes types of the objects that the chart may make.
var kinds = map[string]func() runtime.Object{
	"v1 ConfigMap":                           func() runtime.Object { return new(corev1.ConfigMap) },
	"v1 PersistentVolumeClaim":               func() runtime.Object { return new(corev1.PersistentVolumeClaim) },
	"v1 Service":                             func() runtime.Object { return new(corev1.Service) },
	"v1 ServiceAccount":                      func() runtime.Object { return new(corev1.ServiceAccount) },
	"apps/v1 Deployment":                     func() runtime.Object { return new(appsv1.Deployment) },
	"apps/v1 StatefulSet":                    func() runtime.Object { return new(appsv1.StatefulSet) },
	"autoscaling/v2 HorizontalPodAutoscaler": func() runtime.Object { return new(autoscalingv2.HorizontalPodAutoscaler) },
	"batch/v1 Job":                           func() runtime.Object { return new(batchv1.Job) },
	"networking.k8s.io/v1 Ingress":           func() runtime.Object { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":     func() runtime.Object { return new(networkingv1.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":          func() runtime.Object { return new(policyv1.PodDisruptionBudget) },
}

// objects decodes every document strictly: an unknown or doubled field fails.
func objects(t *testing.T, manifest []byte) []runtime.Object {
	t.Helper()
	var out []runtime.Object
	for _, document := range strings.Split(string(manifest), "\n---\n") {
		var head metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		build, known := kinds[head.APIVersion+" "+head.Kind]
		if !known {
			t.Fatalf("unknown object %v in\n%s", head, document)
		}
		object := build()
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%s: %v in\n%s", head.Kind, err, document)
		}
		out = append(out, object)
	}
	return out
}

// pods returns the pod templates of all sets, named for the reader of a failure.
func pods(t *testing.T) []corev1.PodTemplateSpec {
	t.Helper()
	var out []corev1.PodTemplateSpec
	for name, values := range sets {
		for _, object := range objects(t, manifests(t, values)) {
			var pod corev1.PodTemplateSpec
			switch o := object.(type) {
			case *appsv1.Deployment:
				pod = o.Spec.Template
			case *appsv1.StatefulSet:
				pod = o.Spec.Template
			case *batchv1.Job:
				pod = o.Spec.Template
			default:
				continue
			}
			pod.Name = name + " " + object.GetObjectKind().GroupVersionKind().Kind
			out = append(out, pod)
		}
	}
	if len(out) != 3 {
		t.Fatalf("got %d pod templates, want two servers and a Job", len(out))
	}
	return out
}

func isTrue(b *bool) bool { return b != nil && *b }

// parse reads values as a user writes them.
func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// manifests renders one of the committed sets.
func manifests(t *testing.T, values string) []byte {
	t.Helper()
	out, err := renderSet(chartDir, values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
