package generate

import (
	"testing"

	"github.com/goccy/go-yaml"
)

func TestYAMLReadsBackAsItWasBuilt(t *testing.T) {
	texts := []string{
		"", " ", "plain", "two words", "yes", "No", "on", "null", "~", "1", "1.5", "1e3", "0x1f", "2026-01-31", "12:30", "-dash", "- item", "a: b", "a #b", "#c",
		"[x]", "{x}", "a, b", "'single'", `"double"`, `back\slash`, "tab\tline\nend ", "!tag", "&a", "*a", "%d", "@at", "`tick`", "|", ">", "?", "naïve 🙂", "\u0085\u2028", "\x7f",
		"$ref", "/v1/orders/{order_id}", `^[^\u0000]*$`, `it's ^\d"`, "ends ", ".inf", "NaN", "<<", "=",
	}
	for _, text := range texts {
		document := yamlDocument(yamlMap{
			{"value", text}, {"flow", yamlFlow{text, "x"}}, {"list", yamlList{text, yamlMap{{"inner", text}, {"next", 1}}}}, {"map", yamlMap{{"k" + text, true}}},
		})
		var back struct {
			Value string
			Flow  []string
			List  []any
			Map   map[string]bool
		}
		if err := yaml.Unmarshal([]byte(document), &back); err != nil {
			t.Errorf("%q: %v in\n%s", text, err, document)
			continue
		}
		inner, ok := back.List[1].(map[string]any)
		if back.Value != text || back.Flow[0] != text || back.List[0] != text || !ok || inner["inner"] != text || !back.Map["k"+text] {
			t.Errorf("%q came back otherwise from\n%s", text, document)
		}
	}
}

func TestYAMLShapes(t *testing.T) {
	got := yamlDocument(yamlMap{
		{"empty", yamlMap{}}, {"none", yamlList{}}, {"number", 0.25}, {"whole", int64(-9223372036854775808)}, {"nothing", nil},
		{"block", yamlBlock("one\n\ntwo\n")}, {"nested", yamlList{yamlList{"a", "b"}, yamlMap{}}}, {"kinds", yamlFlow{"string", "null", nil}},
	})
	want := `empty: {}
none: []
number: 0.25
whole: -9223372036854775808
nothing: null
block: |
  one

  two
nested:
  -
    - a
    - b
  - {}
kinds: [string, "null", null]
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var any map[string]any
	if err := yaml.Unmarshal([]byte(got), &any); err != nil {
		t.Error(err)
	}
}
