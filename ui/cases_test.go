package ui

import (
	"bytes"
	"os"
	"testing"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

// TestCasesCommittedByTheWizard re-opens whole designs and commits them: the tree
// holds what Render gives for the file, and the file itself.
func TestCasesCommittedByTheWizard(t *testing.T) {
	for _, name := range []string{"minimal", "shop"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../testdata/cases/" + name + "/codex-design.yaml")
			if err != nil {
				t.Fatal(err)
			}
			r := saved(t, string(text)).press("c", "enter").sees("Done")
			want := map[string][]byte{generate.AnswersPath: text}
			document, _ := model.Read(text)
			loaded, _ := realTemplates()
			artifacts, err := generate.Render(generate.NewSystemView(model.Resolve(document.Answers)), generate.History{}, loaded)
			if err != nil {
				t.Fatal(err)
			}
			for _, artifact := range artifacts {
				want[artifact.Path] = artifact.Content
			}
			for path, content := range want {
				if got, err := afero.ReadFile(r.target, path); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s: %v; the bytes are not those of the file's path", path, err)
				}
			}
		})
	}
}
