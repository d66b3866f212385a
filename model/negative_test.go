package model

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write what is printed today as what is expected")

// negativeCases lists the wrong answers files: those that are no text or no YAML
// (text), of a wrong shape, which the JSON Schema finds as well (shape), and of a
// right shape but with a wrong meaning (meaning).
func negativeCases(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/negative/" + kind + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case: %v", err)
	}
	return files
}

func rendered(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Text("codex-design.yaml"))
	}
	return b.String()
}

func TestWrongFilesAreExplained(t *testing.T) {
	for _, file := range negativeCases(t, "*") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := Read(data)
		got := rendered(problems)
		if len(problems) == 0 {
			t.Errorf("%s has no problem", file)
		}
		expected := strings.TrimSuffix(file, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(expected, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(expected)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", file, err, got, want)
		}
	}
}

func TestWrongFilesHaveNoCascade(t *testing.T) {
	for _, file := range negativeCases(t, "*") {
		data, _ := os.ReadFile(file)
		_, problems := Read(data)
		seen := map[string]bool{}
		for _, p := range problems {
			if text := p.Text("x"); seen[text] {
				t.Errorf("%s: said twice:\n%s", file, text)
			} else {
				seen[text] = true
			}
		}
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("answers.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("answers.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// instance is a file as a validator sees it.
func instance(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.UnmarshalWithOptions(data, &v, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return math.Inf(1) // a number that JSON has not
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAgreesWithTheReader(t *testing.T) {
	schema := compiledSchema(t)
	for _, example := range Examples() {
		if err := schema.Validate(instance(t, example.Source)); err != nil {
			t.Errorf("the example %s: %v", example.Name, err)
		}
	}
	for seed := range uint64(100) {
		text := Format(newArbitrary(seed).answers())
		if err := schema.Validate(instance(t, text)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
	}
	for _, file := range negativeCases(t, "shape") {
		data, _ := os.ReadFile(file)
		if err := schema.Validate(instance(t, data)); err == nil {
			t.Errorf("the schema accepts %s", file)
		}
	}
	for _, file := range negativeCases(t, "meaning") {
		data, _ := os.ReadFile(file)
		if err := schema.Validate(instance(t, data)); err != nil {
			t.Errorf("the schema refuses %s, so it belongs to shape: %v", file, err)
		}
	}
}

func TestSchemaAcceptsTheCases(t *testing.T) {
	schema := compiledSchema(t)
	files, err := filepath.Glob("../testdata/cases/*/codex-design.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if _, problems := Read(data); len(problems) > 0 {
			t.Errorf("%s:\n%s", file, rendered(problems))
		}
	}
}

// TestHugeAndHostileFilesAreRefused reads files that are too large to store, and
// bounds what it takes to say no.
func TestHugeAndHostileFilesAreRefused(t *testing.T) {
	cases := []struct {
		name    string
		data    []byte
		message string
	}{
		{"10 MB", bytes.Repeat([]byte("a: b\n"), 2_000_000), "the file is 9.5 MiB; an answers file is at most 1 MiB"},
		{"alias bomb", aliasBomb(), "an anchor has no place in an answers file"},
		{"deep flow", bytes.Repeat([]byte("["), 500_000), "lists and mappings are nested too deeply"},
		{"deep dashes", bytes.Repeat([]byte("- "), 400_000), "lists and mappings are nested too deeply"},
		{"deep mappings", bytes.Repeat([]byte("{a: "), 200_000), "lists and mappings are nested too deeply"},
		{"deep indentation", deepIndentation(600), "lists and mappings are nested too deeply"},
		{"many keys", manyKeys(20_000, "key%d: 1\n"), "more than 2000 keys in one mapping"},
		{"many keys in braces", []byte("{" + string(manyKeys(20_000, "key%d: 1, ")) + "}"), "more than 2000 keys in one mapping"},
	}
	for _, c := range cases {
		start := time.Now()
		_, problems := Read(c.data)
		if len(problems) == 0 || problems[0].Message != c.message {
			t.Errorf("%s: %.200s", c.name, rendered(problems))
		}
		if took := time.Since(start); took > time.Minute { // a busy machine is no failure
			t.Errorf("%s took %s", c.name, took)
		}
		if text := rendered(problems[:1]); len(text) > 1000 {
			t.Errorf("%s: the problem is printed in %d bytes", c.name, len(text))
		}
	}
}

func aliasBomb() []byte {
	var b bytes.Buffer
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 20 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	return b.Bytes()
}

func deepIndentation(levels int) []byte {
	var b bytes.Buffer
	for i := range levels {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.Bytes()
}

func manyKeys(n int, format string) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.Bytes()
}
