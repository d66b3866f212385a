package model

import (
	"strings"
	"testing"
)

func TestExamplesCanBeGenerated(t *testing.T) {
	files, err := exampleFiles.ReadDir("examples")
	if err != nil || len(files) != len(exampleNames) {
		t.Fatalf("%d example files for %d names: %v", len(files), len(exampleNames), err)
	}
	kinds := map[Kind]bool{}
	for _, example := range Examples() {
		if problems := Check(example.Answers); len(problems) > 0 {
			t.Errorf("%s: %v", example.Name, problems)
		}
		if example.Title == "" || !strings.HasPrefix(string(example.Source), "# ") {
			t.Errorf("%s has no title or no comment", example.Name)
		}
		for _, s := range example.Answers.Services {
			for _, e := range s.Entities {
				for _, f := range e.Fields {
					kinds[f.Type.Kind] = true
				}
			}
		}
	}
	for _, spec := range fieldKinds {
		if !kinds[spec.kind] {
			t.Errorf("no example has a field of type %s", spec.kind)
		}
	}
}
