package cli

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongAnswersAreExplainedAndTouchNothing(t *testing.T) {
	files, err := filepath.Glob("../testdata/negative/*/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d wrong answers files, %v", len(files), err)
	}
	for i, file := range files {
		if files[i], err = filepath.Abs(file); err != nil {
			t.Fatal(err)
		}
	}
	dir := inTempDir(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		write(t, "codex-design.yaml", string(text))
		before := snapshot(t, dir)
		for _, args := range [][]string{{"codex-design.yaml", "--yes"}, {"codex-design.yaml", "--diff"}, {"check", "codex-design.yaml"}} {
			result := run(args...)
			if result.code != exitUsage {
				t.Errorf("%s: %v: exit code %d", filepath.Base(file), args, result.code)
			}
			if !strings.Contains(result.out+result.err, strings.TrimSpace(string(want))) {
				t.Errorf("%s: %v:\n%s%s", filepath.Base(file), args, result.out, result.err)
			}
			if !maps.Equal(before, snapshot(t, dir)) {
				t.Fatalf("%s: %v touched a file", filepath.Base(file), args)
			}
		}
	}
}
