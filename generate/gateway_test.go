package generate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"codex-design/model"
	"codex-design/templates"
)

// These tests read the generated files and no number of the model: what does not
// agree here would not agree in a cluster.

// outputTree is a generated tree, by path.
type outputTree map[string]string

// gatewayTrees visits systems of many shapes behind one kind of gateway; or the one
// tree in the folder CODEX_TREE, in which somebody wants to find a fault.
func gatewayTrees(t *testing.T, kind string, visit func(t *testing.T, files outputTree)) {
	t.Helper()
	if folder := os.Getenv("CODEX_TREE"); folder != "" {
		if files := readTree(t, folder); files["deploy/gateway/"+kind+"/README.md"] != "" {
			visit(t, files)
		}
		return
	}
	trees, err := gatewayOutput[kind]()
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range trees {
		t.Run(name, func(t *testing.T) { visit(t, files) })
	}
}

// readTree reads the generated files of a folder, but for what begins with a dot.
func readTree(t *testing.T, folder string) outputTree {
	t.Helper()
	files := outputTree{}
	err := filepath.WalkDir(folder, func(file string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(entry.Name(), "."); hidden || entry.IsDir() {
			if hidden && entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		content, err := os.ReadFile(file)
		name, _ := filepath.Rel(folder, file)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// gatewayOutput renders the systems once for all tests.
var gatewayOutput = map[string]func() (map[string]outputTree, error){
	"istio": sync.OnceValues(func() (map[string]outputTree, error) { return renderBehind("istio") }),
	"kong":  sync.OnceValues(func() (map[string]outputTree, error) { return renderBehind("kong") }),
}

func renderBehind(kind string) (map[string]outputTree, error) {
	parsed, err := LoadTemplates(templates.FS)
	if err != nil {
		return nil, err
	}
	trees := map[string]outputTree{}
	for name, answers := range gatewayDesigns() {
		answers.Delivery.Gateway = kind
		if problems := model.Check(answers); len(problems) > 0 {
			return nil, fmt.Errorf("%s: %v", name, problems)
		}
		artifacts, err := Render(NewSystemView(model.Resolve(answers)), History{}, parsed)
		if err != nil {
			return nil, err
		}
		trees[name] = outputTree{}
		for _, artifact := range artifacts {
			trees[name][artifact.Path] = string(artifact.Content)
		}
	}
	return trees, nil
}

// gatewayDesigns are the examples at every scale, a chain of calls, a service of
// more entities than one route can name.
func gatewayDesigns() map[string]model.Answers {
	designs := map[string]model.Answers{}
	for _, example := range model.Examples() {
		for _, scale := range []model.Scale{model.Small, model.Medium, model.Large} {
			answers := example.Answers
			answers.Scale, answers.Load = scale, model.Load{}
			designs[example.Name+" "+string(scale)] = answers
		}
	}
	wide := model.Service{Name: "wide"}
	for i := range 50 {
		name := "kind_" + string(rune('a'+i/25)) + string(rune('a'+i%25))
		wide.Entities = append(wide.Entities, model.Entity{Name: name, Fields: []model.Field{
			{Name: "title", Type: model.Type{Kind: model.KindString, Length: 80}, Required: true}}})
	}
	shapes := model.Defaults()
	shapes.Services = []model.Service{
		{Name: "first", Entities: wide.Entities[:1], Calls: []string{"second"}},
		{Name: "second", Entities: wide.Entities[1:2], Calls: []string{"third"}},
		{Name: "third", Entities: wide.Entities[2:3]},
		{Name: "wide", Entities: wide.Entities[3:]},
	}
	latency := 37.0
	shapes.Load.LatencyP99Millis = &latency
	designs["shapes"] = shapes
	return designs
}

// objects are the documents of the YAML files below a folder, in the order of their paths.
func (f outputTree) objects(t *testing.T, folder string) []object {
	t.Helper()
	var names []string
	for name := range f {
		if strings.HasPrefix(name, folder+"/") && strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []object
	for _, name := range names {
		decoder := yaml.NewDecoder(strings.NewReader(f[name]))
		for {
			var o object
			if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, o)
		}
	}
	return all
}

// object is one parsed document, or a part of one.
type object map[string]any

func (o object) at(dotted string) any {
	value, _ := at(map[string]any(o), dotted)
	return value
}

func (o object) text(dotted string) string {
	text, _ := o.at(dotted).(string)
	return text
}

func (o object) number(dotted string) float64 { return asNumber(o.at(dotted)) }

func (o object) list(dotted string) []object {
	items, _ := o.at(dotted).([]any)
	var list []object
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

func (o object) texts(dotted string) []string {
	items, _ := o.at(dotted).([]any)
	var texts []string
	for _, item := range items {
		texts = append(texts, item.(string))
	}
	return texts
}

// millis is a duration of the object, in ms.
func (o object) millis(t *testing.T, dotted string) float64 {
	t.Helper()
	d, err := time.ParseDuration(o.text(dotted))
	if err != nil {
		t.Fatalf("%s: %v", dotted, err)
	}
	return float64(d) / float64(time.Millisecond)
}

func ofKind(objects []object, kind string) []object {
	return slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o.text("kind") != kind })
}

func objectNamed(t *testing.T, objects []object, kind, name string) object {
	t.Helper()
	for _, o := range ofKind(objects, kind) {
		if o.text("metadata.name") == name {
			return o
		}
	}
	t.Fatalf("no %s named %s", kind, name)
	return nil
}

// operation is one operation of a generated contract.
type publicOperation struct{ service, method, path string }

// operations are those of every contract, and what must stay inside.
func (f outputTree) operations(t *testing.T) (public []publicOperation, services []string) {
	t.Helper()
	for name, content := range f {
		if path.Dir(name) != "architecture/openapi" {
			continue
		}
		service := strings.TrimSuffix(path.Base(name), ".yaml")
		services = append(services, service)
		for template, item := range parsedOpenAPI(t, content)["paths"].(map[string]any) {
			for method := range item.(map[string]any) {
				if method != "parameters" {
					concrete := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(template, "0198c5f0-7c1e-7000-8000-000000000000")
					public = append(public, publicOperation{service, strings.ToUpper(method), concrete})
				}
			}
		}
	}
	slices.Sort(services)
	if len(public) == 0 {
		t.Fatal("no operations")
	}
	return public, services
}

var innerPaths = []string{"/", "/livez", "/readyz", "/startupz", "/metrics", "/docs", "/openapi.json", "/v1", "/v1/unknown"}

// setting is a default of a service's settings.
func (f outputTree) setting(t *testing.T, service, name string) float64 {
	t.Helper()
	for file, content := range f {
		if strings.HasPrefix(file, "services/"+service+"/src/") && strings.HasSuffix(file, "/gen/settings.py") {
			return pythonNumber(t, content, name)
		}
	}
	t.Fatalf("no settings of %s", service)
	return 0
}

func pythonNumber(t *testing.T, source, name string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^    ` + name + `: \w+ = ([\d_.]+)$`).FindStringSubmatch(source)
	if found == nil {
		t.Fatalf("no %s", name)
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(found[1], "_", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// hit is one rule of an HTTPRoute that matches a request.
type routeHit struct {
	route, backend string
	rule           object
	byMethod       bool
	length         int
}

// winners are the rules that a request could go to: of those that match, by the
// precedence of Gateway API, the longest path wins and then the method.
func winners(routes []object, method, requested string) []routeHit {
	var hits []routeHit
	for _, route := range routes {
		for _, rule := range route.list("spec.rules") {
			for _, match := range rule.list("matches") {
				prefix, wanted := match.text("path.value"), match.text("method")
				inside := requested == prefix || strings.HasPrefix(requested, prefix+"/")
				if inside && (wanted == "" || wanted == method) {
					hits = append(hits, routeHit{route.text("metadata.name"), rule.list("backendRefs")[0].text("name"), rule, wanted != "", len(prefix)})
				}
			}
		}
	}
	weight := func(h routeHit) int {
		if h.byMethod {
			return 2*h.length + 1
		}
		return 2 * h.length
	}
	best := 0
	for _, h := range hits {
		best = max(best, weight(h))
	}
	return slices.DeleteFunc(hits, func(h routeHit) bool { return weight(h) < best })
}

// publicRoutes are the HTTPRoutes behind the listener for the outside.
func publicRoutes(objects []object) []object {
	return slices.DeleteFunc(ofKind(objects, "HTTPRoute"), func(o object) bool {
		return o.list("spec.parentRefs")[0].text("sectionName") != "https"
	})
}

func TestEveryOperationHasOneRoute(t *testing.T) {
	for _, kind := range []string{"istio", "kong"} {
		gatewayTrees(t, kind, func(t *testing.T, files outputTree) {
			routes := publicRoutes(files.objects(t, "deploy/gateway/"+kind))
			operations, _ := files.operations(t)
			for _, o := range operations {
				hits := winners(routes, o.method, o.path)
				if len(hits) != 1 || hits[0].backend != o.service {
					t.Errorf("%s %s of %s reaches %v", o.method, o.path, o.service, hits)
				}
			}
			for _, inner := range innerPaths {
				if hits := winners(routes, "GET", inner); len(hits) > 0 {
					t.Errorf("%s reaches %v", inner, hits)
				}
			}
			for _, route := range routes {
				checkRouteLimits(t, route)
			}
		})
	}
}

// checkRouteLimits holds a route to the limits of the CRD.
func checkRouteLimits(t *testing.T, route object) {
	t.Helper()
	all := 0
	for _, rule := range route.list("spec.rules") {
		matches := len(rule.list("matches"))
		if all += matches; matches > 64 {
			t.Errorf("%s: %d matches in one rule", route.text("metadata.name"), matches)
		}
	}
	if all > 128 {
		t.Errorf("%s: %d matches", route.text("metadata.name"), all)
	}
}

// idempotentMethods as RFC 9110 lists them, of those that a contract may have.
var idempotentMethods = map[string]bool{"GET": true, "PUT": true, "DELETE": true, "POST": false, "PATCH": false}

func TestTheGatewayAloneRetries(t *testing.T) {
	gatewayTrees(t, "istio", func(t *testing.T, files outputTree) {
		objects := files.objects(t, "deploy/gateway/istio")
		operations, _ := files.operations(t)
		for _, o := range operations {
			rule := winners(publicRoutes(objects), o.method, o.path)[0].rule
			attempts := rule.number("retry.attempts")
			if want := idempotentMethods[o.method]; (attempts > 0) != want || attempts > 2 {
				t.Errorf("TMO-IDEMPOTENT: %s %s is retried %v times", o.method, o.path, attempts)
			}
			request, app := rule.millis(t, "timeouts.request"), files.setting(t, o.service, "request_deadline_ms")
			try := request
			if attempts > 0 {
				try = rule.millis(t, "timeouts.backendRequest")
			}
			if needed := (1+attempts)*try + attempts*25; request < needed {
				t.Errorf("TMO-RETRY-FIT: %s %s: %v ms for tries of %v ms", o.method, o.path, request, needed)
			}
			if try < 1.1*app {
				t.Errorf("TMO-CHAIN: a try has %v ms and the service %v ms", try, app)
			}
		}
		for _, call := range ofKind(objects, "VirtualService") {
			for _, route := range call.list("spec.http") {
				if attempts := route.number("retries.attempts"); attempts != 0 {
					t.Errorf("TMO-ONE-RETRIER: %s: %v retries", call.text("metadata.name"), attempts)
				}
			}
		}
	})
}

func TestCallsFitIntoTheCallersDeadline(t *testing.T) {
	gatewayTrees(t, "istio", func(t *testing.T, files outputTree) {
		objects := files.objects(t, "deploy/gateway/istio")
		for caller, callees := range files.calls(t) {
			for _, callee := range callees {
				route := objectNamed(t, objects, "VirtualService", callee).list("spec.http")[0]
				if call, app := route.millis(t, "timeout"), files.setting(t, caller, "request_deadline_ms"); app < 1.1*call {
					t.Errorf("TMO-CHAIN: %s has %v ms and gives %s %v ms", caller, app, callee, call)
				}
			}
		}
	})
}

// blueprint is the generated blueprint.yaml, parsed.
func (f outputTree) blueprint(t *testing.T) object {
	t.Helper()
	var b object
	if err := yaml.Unmarshal([]byte(f["architecture/blueprint.yaml"]), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// calls is the call graph as the blueprint shows it.
func (f outputTree) calls(t *testing.T) map[string][]string {
	t.Helper()
	blueprint := f.blueprint(t)
	calls := map[string][]string{}
	for service := range blueprint.at("services").(map[string]any) {
		calls[service] = blueprint.texts("services." + service + ".calls")
	}
	return calls
}

func TestMeshFollowsTheCallGraph(t *testing.T) {
	gatewayTrees(t, "istio", func(t *testing.T, files outputTree) {
		objects := files.objects(t, "deploy/gateway/istio")
		namespace := files.blueprint(t).text("cluster.namespace")
		calls := files.calls(t)
		for service, callees := range calls {
			want := []string{"istio-ingress/" + objectNamed(t, objects, "Gateway", namespace).text("metadata.name") + "-istio"}
			for caller := range calls {
				if slices.Contains(calls[caller], service) {
					want = append(want, namespace+"/"+caller)
				}
			}
			policy := objectNamed(t, objects, "AuthorizationPolicy", service)
			got := policy.list("spec.rules")[0].list("from")[0].texts("source.serviceAccounts")
			sameSet(t, service+" may be asked by", got, want)

			hosts := []string{"observability/*"}
			for _, callee := range callees {
				hosts = append(hosts, "./"+callee+"."+namespace+".svc.cluster.local")
			}
			sameSet(t, service+" may ask", objectNamed(t, objects, "Sidecar", service).list("spec.egress")[0].texts("hosts"), hosts)
		}
		deny := objectNamed(t, objects, "AuthorizationPolicy", "deny-all")
		if spec := deny.at("spec").(map[string]any); len(spec) > 0 {
			t.Errorf("deny-all has %v", spec)
		}
		for _, peer := range ofKind(objects, "PeerAuthentication") {
			if mode := peer.text("spec.mtls.mode"); mode != "STRICT" {
				t.Errorf("%s: %s", peer.text("metadata.name"), mode)
			}
		}
	})
}

func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s %v, want %v", what, got, want)
	}
}

// TestMeshPortsAreThoseOfTheContainers follows a port through policy, Service and Deployment.
func TestMeshPortsAreThoseOfTheContainers(t *testing.T) {
	gatewayTrees(t, "istio", func(t *testing.T, files outputTree) {
		mesh := files.objects(t, "deploy/gateway/istio")
		workloads := files.objects(t, "deploy/kubernetes/base")
		_, services := files.operations(t)
		for _, service := range services {
			ports := map[string]string{}
			deployment := objectNamed(t, workloads, "Deployment", service)
			for _, port := range deployment.list("spec.template.spec.containers")[0].list("ports") {
				ports[port.text("name")] = strconv.Itoa(int(port.number("containerPort")))
			}
			rules := objectNamed(t, mesh, "AuthorizationPolicy", service).list("spec.rules")
			sameSet(t, "service port", rules[0].list("to")[0].texts("operation.ports"), []string{ports["http"]})
			sameSet(t, "metrics port", rules[1].list("to")[0].texts("operation.ports"), []string{ports["metrics"]})
			if mode := objectNamed(t, mesh, "PeerAuthentication", service).text("spec.portLevelMtls." + ports["metrics"] + ".mode"); mode != "PERMISSIVE" {
				t.Errorf("%s: metrics port: %q", service, mode)
			}
			labels := deployment.at("spec.template.metadata.labels").(map[string]any)
			for _, kind := range []string{"AuthorizationPolicy", "PeerAuthentication"} {
				selectsPods(t, objectNamed(t, mesh, kind, service).at("spec.selector.matchLabels"), labels)
			}
			selectsPods(t, objectNamed(t, mesh, "Sidecar", service).at("spec.workloadSelector.labels"), labels)
		}
	})
}

func selectsPods(t *testing.T, selector any, labels map[string]any) {
	t.Helper()
	wanted, _ := selector.(map[string]any)
	if len(wanted) == 0 {
		t.Error("REF-SELECTOR: a selector is empty")
	}
	for key, value := range wanted {
		if labels[key] != value {
			t.Errorf("REF-SELECTOR: %s=%v selects no pod", key, value)
		}
	}
}

func TestPoolsFitTheServices(t *testing.T) {
	gatewayTrees(t, "istio", func(t *testing.T, files outputTree) {
		mesh := files.objects(t, "deploy/gateway/istio")
		workloads := files.objects(t, "deploy/kubernetes/base")
		blueprint := files.blueprint(t)
		_, services := files.operations(t)
		for _, service := range services {
			policy := object(objectNamed(t, mesh, "DestinationRule", service).at("spec.trafficPolicy").(map[string]any))
			most := objectNamed(t, workloads, "HorizontalPodAutoscaler", service).number("spec.maxReplicas")
			number := func(name string) float64 { return blueprint.number("services." + service + "." + name) }
			requests := policy.number("connectionPool.http.http2MaxRequests")
			if needed := 2 * number("rps") * blueprint.number("load.latency_p99_ms") / 2 / 1000; requests < needed {
				t.Errorf("TMO-BULKHEAD: %s: %v requests at once, and %v are needed", service, requests, needed)
			}
			if admitted := files.setting(t, service, "max_in_flight") * most; requests > admitted || policy.number("connectionPool.tcp.maxConnections") < requests {
				t.Errorf("TMO-BULKHEAD: %s: %v requests at once, and its pods admit %v", service, requests, admitted)
			}
			zones := blueprint.number("load.zones")
			peak := math.Ceil(number("rps")*number("cpu_per_request")/(blueprint.number("load.pod_cpu")*0.65)*zones/math.Max(zones-1, 1) - 1e-9)
			ejected := policy.number("outlierDetection.maxEjectionPercent")
			if left := (1 - ejected/100) * most; left < peak || !(ejected < 100) {
				t.Errorf("TMO-CIRCUIT: %s: %v of %v pods are left for a peak of %v", service, left, most, peak)
			}
			if idle := policy.millis(t, "connectionPool.http.idleTimeout"); idle >= 1000*files.setting(t, service, "keep_alive_s") {
				t.Errorf("TMO-KEEPALIVE: %s: the proxy keeps a connection for %v ms", service, idle)
			}
			if budget := policy.number("retryBudget.percent"); !(budget > 0 && budget <= 20) {
				t.Errorf("TMO-RETRY-BUDGET: %s: %v %%", service, budget)
			}
		}
	})
}

func TestKustomizationsListEveryFile(t *testing.T) {
	for _, kind := range []string{"istio", "kong"} {
		gatewayTrees(t, kind, func(t *testing.T, files outputTree) {
			folder := "deploy/gateway/" + kind
			var kustomization object
			if err := yaml.Unmarshal([]byte(files[folder+"/kustomization.yaml"]), &kustomization); err != nil {
				t.Fatal(err)
			}
			var want []string
			for name := range files {
				if rest, ok := strings.CutPrefix(name, folder+"/"); ok && strings.HasSuffix(rest, ".yaml") && rest != "kustomization.yaml" {
					want = append(want, rest)
				}
			}
			sameSet(t, "resources", kustomization.texts("resources"), want)
			overlay := files["deploy/kubernetes/overlays/prod/kustomization.yaml"]
			if !strings.Contains(overlay, "../../../gateway/"+kind) {
				t.Errorf("the overlay leaves the gateway out:\n%s", overlay)
			}
			for other := range map[string]bool{"istio": true, "kong": true} {
				if _, there := files["deploy/gateway/"+other+"/README.md"]; there != (other == kind) {
					t.Errorf("%s in a system behind %s: %v", other, kind, there)
				}
			}
		})
	}
}
