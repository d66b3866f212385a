package generate

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"codex-design/model"
)

// shop is a system of two services with three entities, small enough to see at a glance.
func shop() *SystemView {
	return NewSystemView(shopBlueprint())
}

func shopBlueprint() model.Blueprint {
	return model.Blueprint{
		System: model.System{Name: "shop", Architecture: model.Microservices},
		Services: []model.ServicePlan{
			{Name: "catalog", Package: "catalog_service", Cached: true, Entities: []model.EntityPlan{{Module: "product"}, {Module: "category"}}},
			{Name: "order", Package: "order_service", Entities: []model.EntityPlan{{Module: "order"}}},
		},
	}
}

// templateTree makes a template tree of the given contents.
func templateTree(files map[string]string) fs.FS {
	result := fstest.MapFS{}
	for name, content := range files {
		result[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return result
}

func load(t *testing.T, files map[string]string) *Templates {
	t.Helper()
	templates, err := LoadTemplates(templateTree(files))
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// rendered maps the paths that templates make for the shop to their content.
func rendered(t *testing.T, history History, files map[string]string) map[string]string {
	t.Helper()
	artifacts, err := Render(shop(), history, load(t, files))
	if err != nil {
		t.Fatal(err)
	}
	result := map[string]string{}
	for _, a := range artifacts {
		result[a.Path] = string(a.Content)
	}
	return result
}

func TestPlaceholdersMultiply(t *testing.T) {
	got := rendered(t, History{}, map[string]string{
		".gitignore":     "*.pyc\n",
		"README.md.tmpl": "<% .System.Name %>: <% range .Services %><% .Name %> <% end %>",
		"services/{service}/src/{package}/__init__.py":             "",
		"services/{service}/pyproject.toml.tmpl":                   "<% .Name %> of <% .System.System.Name %>",
		"services/{service}/src/{package}/rules/{entity}.py.tmpl":  "<% .Module %> of <% .Service.Name %>",
		"services/{service}/tests/gen/test_cache.py":               "cache",
		"services/{service}/src/{package}/__pycache__/x.pyc":       "junk",
		"libs/kit/.venv/bin/python":                                "junk",
		"services/{service}/migrations/001_create_tables.sql.tmpl": "create <% .Name %>",
	})
	want := map[string]string{
		".gitignore": "*.pyc\n",
		"README.md":  "shop: catalog order ",
		"services/catalog/src/catalog_service/__init__.py":       "",
		"services/order/src/order_service/__init__.py":           "",
		"services/catalog/pyproject.toml":                        "catalog of shop",
		"services/order/pyproject.toml":                          "order of shop",
		"services/catalog/src/catalog_service/rules/product.py":  "product of catalog",
		"services/catalog/src/catalog_service/rules/category.py": "category of catalog",
		"services/order/src/order_service/rules/order.py":        "order of order",
		"services/catalog/tests/gen/test_cache.py":               "cache",
		"services/catalog/migrations/001_create_tables.sql":      "create catalog",
		"services/order/migrations/001_create_tables.sql":        "create order",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestArtifactsSayWhatTheyAre(t *testing.T) {
	templates := load(t, map[string]string{
		"compose.yaml": "", "tool": "#!/bin/sh\n", "Makefile": "",
		"architecture/openapi/{service}.yaml":                     "",
		"services/{service}/Dockerfile":                           "",
		"services/{service}/migrations/001_create_tables.sql":     "",
		"services/{service}/src/{package}/main.py":                "",
		"services/{service}/src/{package}/rules/{entity}.py.tmpl": "",
	})
	artifacts, err := Render(shop(), History{}, templates)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(artifacts, func(a, b Artifact) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("artifacts are not sorted by path")
	}
	got := map[string]Artifact{}
	for _, a := range artifacts {
		got[a.Path] = a
	}
	for path, want := range map[string]Artifact{
		"compose.yaml":                    {Owner: Generated, Kind: "compose", Mode: 0o644},
		"tool":                            {Owner: Generated, Kind: "text", Mode: 0o755},
		"Makefile":                        {Owner: Generated, Kind: "makefile", Mode: 0o644},
		"architecture/openapi/order.yaml": {Owner: Generated, Kind: "openapi", Mode: 0o644},
		"services/order/Dockerfile":       {Owner: Generated, Kind: "dockerfile", Mode: 0o644},
		"services/order/migrations/001_create_tables.sql":       {Owner: Appended, Kind: "sql", Mode: 0o644},
		"services/order/src/order_service/main.py":              {Owner: Yours, Kind: "python", Mode: 0o644},
		"services/catalog/src/catalog_service/rules/product.py": {Owner: Yours, Kind: "python", Mode: 0o644},
	} {
		a := got[path]
		if a.Owner != want.Owner || a.Kind != want.Kind || a.Mode != want.Mode {
			t.Errorf("%s: %s %s %o, want %s %s %o", path, a.Owner, a.Kind, a.Mode, want.Owner, want.Kind, want.Mode)
		}
	}
}

func TestRecordedMigrationsReplaceTheFirst(t *testing.T) {
	history := History{Services: map[string]ServiceHistory{"order": {Migrations: []Migration{
		{Name: "001_create_tables.sql", Content: []byte("as it was")},
		{Name: "002_add_note.sql", Content: []byte("more")},
	}}}}
	got := rendered(t, history, map[string]string{
		"services/{service}/migrations/001_create_tables.sql.tmpl": "create <% .Name %>",
		"services/{service}/version.tmpl":                          "<% .SchemaVersion %>",
		"zzz.md":                                                   "stays",
	})
	want := map[string]string{
		"services/catalog/migrations/001_create_tables.sql": "create catalog",
		"services/order/migrations/001_create_tables.sql":   "as it was",
		"services/order/migrations/002_add_note.sql":        "more",
		"services/catalog/version":                          "001",
		"services/order/version":                            "002",
		"zzz.md":                                            "stays",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestTemplateErrorsNameTheLine(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"syntax":        {"a\n<% range %>", "README.md.tmpl:2"},
		"unknown field": {"a\nb\n<% .Nonsense %>", "README.md.tmpl:3"},
		"unknown func":  {"<% nonsense 1 %>", "README.md.tmpl:1"},
	} {
		templates, err := LoadTemplates(templateTree(map[string]string{"README.md.tmpl": test.text}))
		if err == nil {
			_, err = Render(shop(), History{}, templates)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not name %s", name, err, test.want)
		}
	}
}

func TestTwoTemplatesForOnePathAreRefused(t *testing.T) {
	templates := load(t, map[string]string{"a.md": "", "a.md.tmpl": ""})
	_, err := Render(shop(), History{}, templates)
	if err == nil || !strings.Contains(err.Error(), "both make a.md") {
		t.Errorf("error %v", err)
	}
}

func TestServiceNameCannotLeaveTheTree(t *testing.T) {
	for _, name := range []string{"../evil", "/etc", "a/../../b", "", "con", "a\nb", `a\b`, "x."} {
		system := NewSystemView(model.Blueprint{Services: []model.ServicePlan{{Name: name}}})
		if _, err := Render(system, History{}, load(t, map[string]string{"services/{service}/a": ""})); err == nil {
			t.Errorf("service %q was accepted", name)
		}
	}
}

func TestWrapAndIndent(t *testing.T) {
	if got := wrap(10, "one  two three\nfour"); got != "one two\nthree four" {
		t.Errorf("wrap: %q", got)
	}
	if got := indent(2, "a\n\nb"); got != "a\n\n  b" {
		t.Errorf("indent: %q", got)
	}
	if got, _ := quote("a \"b\" <é>\n"); got != `"a \"b\" <é>\n"` {
		t.Errorf("quote: %s", got)
	}
}
