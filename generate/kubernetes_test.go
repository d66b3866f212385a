package generate

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

// deployed makes the Kubernetes files of a design by their path below deploy/kubernetes.
func deployed(t *testing.T, b model.Blueprint) (*SystemView, map[string]string) {
	t.Helper()
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	system := NewSystemView(b)
	entries, err := Outline(system, History{}, parsed)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Path, "deploy/kubernetes/")
		if !ok {
			continue
		}
		artifact, err := entry.Render()
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(artifact.Content)
	}
	return system, files
}

func exampleNamed(t *testing.T, name string, change func(*model.Answers)) model.Blueprint {
	t.Helper()
	for _, example := range model.Examples() {
		if example.Name == name {
			answers := example.Answers
			change(&answers)
			return model.Resolve(answers)
		}
	}
	t.Fatalf("no example %s", name)
	return model.Blueprint{}
}

func TestQuantitiesOfKubernetes(t *testing.T) {
	s := &SystemView{}
	for millicores, want := range map[float64]string{100: "100m", 1000: `"1"`, 1500: "1500m", 12000: `"12"`} {
		if got := s.CPU(model.Quantity{Value: millicores}); got != want {
			t.Errorf("CPU(%v) = %s, want %s", millicores, got, want)
		}
	}
	for mib, want := range map[float64]string{64: "64Mi", 1024: "1Gi", 1536: "1536Mi", 4096: "4Gi"} {
		if got := s.Bytes(model.Quantity{Value: mib}); got != want {
			t.Errorf("Bytes(%v) = %s, want %s", mib, got, want)
		}
	}
}

// replicas gives two services the bounds of three environments.
func replicas(dev, prod [2][2]float64) *SystemView {
	plan := func(name string, bounds [2][2]float64) model.EnvironmentPlan {
		e := model.EnvironmentPlan{Name: name, Production: name == "prod", DataNetwork: "10.0.0.0/20"}
		for i, service := range []string{"a", "b"} {
			e.Replicas = append(e.Replicas, model.ReplicaPlan{Service: service, Min: model.Quantity{Value: bounds[i][0]},
				Max: model.Quantity{Value: bounds[i][1]}, Disruption: model.Quantity{Value: 1}})
		}
		return e
	}
	return NewSystemView(model.Blueprint{Delivery: model.Delivery{Gateway: "none"}, Services: []model.ServicePlan{{Name: "a"}, {Name: "b"}},
		Cluster: model.ClusterPlan{Environments: []model.EnvironmentPlan{plan("dev", dev), plan("prod", prod)}}})
}

func TestOverlaysSayOnlyWhatDiffers(t *testing.T) {
	data := Patch{"NetworkPolicy", "database", replaced("/spec/egress/0/to/0/ipBlock/cidr", "10.0.0.0/20")}
	named := Patch{"Deployment", "", replaced("/spec/template/spec/containers/0/env/0/value", "dev")}
	set := func(pairs ...string) (operations []PatchOperation) {
		for i := 0; i < len(pairs); i += 2 {
			operations = append(operations, replaced(pairs[i], pairs[i+1])...)
		}
		return operations
	}
	for name, c := range map[string]struct {
		dev, prod [2][2]float64
		want      []Patch
	}{
		"nothing": {[2][2]float64{{2, 4}, {2, 4}}, [2][2]float64{{2, 4}, {2, 4}}, nil},
		"all alike": {[2][2]float64{{2, 3}, {2, 3}}, [2][2]float64{{3, 6}, {4, 8}},
			[]Patch{{"HorizontalPodAutoscaler", "", set("/spec/minReplicas", "2", "/spec/maxReplicas", "3")}}},
		"one": {[2][2]float64{{2, 4}, {2, 4}}, [2][2]float64{{2, 4}, {2, 9}},
			[]Patch{{"HorizontalPodAutoscaler", "b", set("/spec/maxReplicas", "4")}}},
		"each its own": {[2][2]float64{{2, 4}, {2, 5}}, [2][2]float64{{3, 6}, {3, 9}}, []Patch{
			{"HorizontalPodAutoscaler", "a", set("/spec/minReplicas", "2", "/spec/maxReplicas", "4")},
			{"HorizontalPodAutoscaler", "b", set("/spec/minReplicas", "2", "/spec/maxReplicas", "5")}}},
	} {
		system := replicas(c.dev, c.prod)
		if got, want := system.Environments[0].Patches(), append([]Patch{data, named}, c.want...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
		if got := system.Environments[1].Patches(); !reflect.DeepEqual(got, []Patch{data}) {
			t.Errorf("%s: production has patches %v", name, got)
		}
	}
}

func TestOneZoneDoesNotHoldBackPods(t *testing.T) {
	spreads := PatchOperation{"replace", "/spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable", "ScheduleAnyway"}
	for _, e := range NewSystemView(exampleNamed(t, "shop", func(*model.Answers) {})).Environments {
		freed := slices.ContainsFunc(e.Patches(), func(p Patch) bool { return p.Kind == "Deployment" && slices.Contains(p.Operations, spreads) })
		if freed != (e.Name == "dev") {
			t.Errorf("%s: pods that cannot spread start: %v", e.Name, freed)
		}
	}
}

func TestReplicaRange(t *testing.T) {
	system := replicas([2][2]float64{{1, 2}, {1, 2}}, [2][2]float64{{3, 6}, {3, 9}})
	for i, want := range []string{"1 to 2", "3 to 6–9"} {
		if got := system.Environments[i].ReplicaRange(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSecretsComeAsAsked(t *testing.T) {
	const file = "base/services/catalog/external-secret.yaml"
	for _, secrets := range []string{"files", "kubernetes", "external-secrets"} {
		_, files := deployed(t, exampleNamed(t, "shop", func(a *model.Answers) { a.Security.Secrets = secrets }))
		external := secrets == "external-secrets"
		if _, made := files[file]; made != external {
			t.Errorf("%s: external secret made: %v", secrets, made)
		}
		listed := strings.Contains(files["base/services/catalog/kustomization.yaml"], "external-secret.yaml")
		explained := strings.Contains(files["README.md"], "ClusterSecretStore")
		commanded := strings.Contains(files["README.md"], "kubectl create secret generic catalog-secrets -n shop --from-file=database_url=PATH --from-file=redis_url=PATH\n")
		if listed != external || explained != external || commanded == external {
			t.Errorf("%s: listed %v, explained %v, commanded %v", secrets, listed, explained, commanded)
		}
	}
}

func TestNamesThatYAMLReadsAsSomethingElse(t *testing.T) {
	b := exampleNamed(t, "users", func(a *model.Answers) { a.Name, a.Services[0].Name = "off", "on" })
	_, files := deployed(t, b)
	for name, want := range map[string]string{
		"base/namespace.yaml":                  "name: \"off\"\n",
		"base/services/on/deployment.yaml":     "{app.kubernetes.io/name: \"on\", app.kubernetes.io/instance: \"on\"}",
		"base/services/on/network-policy.yaml": "app.kubernetes.io/instance: \"on\"}",
		"overlays/dev/kustomization.yaml":      "name: registry.example.com/off/on\n",
		"base/services/on/migration.yaml":      "name: on-migrate\n",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s has no %q:\n%s", name, want, files[name])
		}
	}
}
