package generate

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// kong is the declarative file, parsed.
func (f outputTree) kong(t *testing.T) object {
	t.Helper()
	var k object
	if err := yaml.Unmarshal([]byte(f["deploy/gateway/kong/kong.yml"]), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// kongServices are the services that have a path which matches, as Kong matches.
func kongServices(kong object, requested string) []string {
	var services []string
	for _, service := range kong.list("services") {
		for _, route := range service.list("routes") {
			for _, text := range route.texts("paths") {
				pattern, isPattern := strings.CutPrefix(text, "~")
				if isPattern && regexp.MustCompile("^"+pattern).MatchString(requested) || !isPattern && strings.HasPrefix(requested, text) {
					services = append(services, service.text("name"))
				}
			}
		}
	}
	return services
}

func TestKongFileHasOneRouteForEveryOperation(t *testing.T) {
	gatewayTrees(t, "kong", func(t *testing.T, files outputTree) {
		kong := files.kong(t)
		operations, _ := files.operations(t)
		for _, o := range operations {
			if got := kongServices(kong, o.path); !reflect.DeepEqual(got, []string{o.service}) {
				t.Errorf("%s %s of %s reaches %v", o.method, o.path, o.service, got)
			}
		}
		for _, inner := range innerPaths {
			if got := kongServices(kong, inner); len(got) > 0 {
				t.Errorf("%s reaches %v", inner, got)
			}
		}
		for _, service := range kong.list("services") {
			for _, route := range service.list("routes") {
				if route.at("strip_path") != false {
					t.Errorf("REF-ROUTE: %s strips the path that its service is asked by", service.text("name"))
				}
			}
		}
	})
}

func TestKongFitsTheServicesTimeouts(t *testing.T) {
	gatewayTrees(t, "kong", func(t *testing.T, files outputTree) {
		timeouts := object(files.blueprint(t).at("timeouts").(map[string]any))
		for _, service := range files.kong(t).list("services") {
			tries := 1 + service.number("retries")
			whole := tries * (service.number("connect_timeout") + service.number("read_timeout"))
			if !(whole <= timeouts.number("gateway")) || !(1.1*timeouts.number("gateway") <= timeouts.number("client")) {
				t.Errorf("TMO-KONG-DEFAULT: %v tries take %v ms", tries, whole)
			}
			if tries > 3 {
				t.Errorf("TMO-ONE-RETRIER: %v tries", tries)
			}
			app := files.setting(t, service.text("name"), "request_deadline_ms")
			if read := service.number("read_timeout"); read < 1.1*app {
				t.Errorf("TMO-CHAIN: Kong waits %v ms and the service works for %v ms", read, app)
			}
		}
	})
}

// kongPlugin finds the settings of a plugin in kong.yml.
func kongPlugin(t *testing.T, kong object, name string) object {
	t.Helper()
	for _, plugin := range kong.list("plugins") {
		if plugin.text("name") == name {
			return plugin.at("config").(map[string]any)
		}
	}
	t.Fatalf("no plugin %s", name)
	return nil
}

func TestKongRefusesNoBodyThatServicesTake(t *testing.T) {
	gatewayTrees(t, "kong", func(t *testing.T, files outputTree) {
		limit := kongPlugin(t, files.kong(t), "request-size-limiting")
		services := pythonNumber(t, files["libs/kit/src/kit/settings.py"], "max_body_bytes")
		if limit.text("size_unit") != "bytes" || limit.number("allowed_payload_size") != services {
			t.Errorf("RAT-BODY: %v at Kong, %v B in the services", limit, services)
		}
	})
}

// openSourcePlugins are those of the last open source image that fit here.
var openSourcePlugins = map[string]bool{"correlation-id": true, "request-size-limiting": true, "prometheus": true, "opentelemetry": true}

func TestKongFileAndObjectsAgree(t *testing.T) {
	gatewayTrees(t, "kong", func(t *testing.T, files outputTree) {
		kong, objects := files.kong(t), files.objects(t, "deploy/gateway/kong")
		var names []string
		for _, plugin := range ofKind(objects, "KongPlugin") {
			name := plugin.text("plugin")
			names = append(names, name)
			if !openSourcePlugins[name] || !reflect.DeepEqual(object(plugin.at("config").(map[string]any)), kongPlugin(t, kong, name)) {
				t.Errorf("plugin %s: %v", name, plugin)
			}
		}
		if len(names) != len(kong.list("plugins")) {
			t.Errorf("plugins %v, and %v in kong.yml", names, kong.list("plugins"))
		}
		for _, route := range publicRoutes(objects) {
			if got := route.at("metadata.annotations").(map[string]any)["konghq.com/plugins"]; got != strings.Join(names, ",") {
				t.Errorf("%s has the plugins %v", route.text("metadata.name"), got)
			}
		}
		policy := objectNamed(t, objects, "KongUpstreamPolicy", files.blueprint(t).text("cluster.namespace"))
		for _, upstream := range kong.list("upstreams") {
			checkUpstream(t, upstream, policy)
		}
		checkAnnotations(t, files, kong)
	})
}

var camel = regexp.MustCompile(`_([a-z])`)

// checkUpstream compares what an upstream says in snake_case with the policy's camelCase.
func checkUpstream(t *testing.T, upstream, policy object) {
	t.Helper()
	if got := policy.text("spec.algorithm"); got != upstream.text("algorithm") {
		t.Errorf("algorithm %s", got)
	}
	if got := camelKeys(upstream.at("healthchecks")); !reflect.DeepEqual(got, policy.at("spec.healthchecks")) {
		t.Errorf("health checks of %s: %v", upstream.text("name"), got)
	}
}

func camelKeys(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return value
	}
	renamed := map[string]any{}
	for key, inner := range m {
		key = camel.ReplaceAllStringFunc(key, func(s string) string { return strings.ToUpper(s[1:]) })
		renamed[key] = camelKeys(inner)
	}
	return renamed
}

// checkAnnotations compares the patch of every Service with the services of kong.yml.
func checkAnnotations(t *testing.T, files outputTree, kong object) {
	t.Helper()
	var kustomization, patch object
	if err := yaml.Unmarshal([]byte(files["deploy/gateway/kong/kustomization.yaml"]), &kustomization); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(kustomization.list("patches")[0].text("patch")), &patch); err != nil {
		t.Fatal(err)
	}
	annotations := patch.at("metadata.annotations").(map[string]any)
	for _, service := range kong.list("services") {
		for annotation, field := range map[string]string{"connect-timeout": "connect_timeout", "read-timeout": "read_timeout",
			"write-timeout": "write_timeout", "retries": "retries"} {
			if got := annotations["konghq.com/"+annotation]; got != strconv.Itoa(int(service.number(field))) {
				t.Errorf("%s: %v, and %v in kong.yml", annotation, got, service.number(field))
			}
		}
	}
}
