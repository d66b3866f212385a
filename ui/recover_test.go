package ui

import (
	"context"
	"errors"
	"testing"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

// dying is a file system under a process that dies at one of its moves.
type dying struct {
	afero.Fs
	left int
}

func (d *dying) Rename(from, to string) error {
	if d.left--; d.left < 0 {
		return errors.New("killed")
	}
	return d.Fs.Rename(from, to)
}

// TestTheWizardFinishesWhatWasCutOff opens a design in a directory where an
// earlier commit of it was cut off in the middle.
func TestTheWizardFinishesWhatWasCutOff(t *testing.T) {
	options := testOptions(t)
	document, problems := model.Read([]byte(shopFile))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	target := options.Place("", "").Fs
	plan, err := generate.Prepare(target, generate.NewDesign(document.Answers, []byte(shopFile), nil), options.Templates)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate.Commit(context.Background(), &dying{target, 3}, plan, nil); !errors.Is(err, generate.ErrCutOff) {
		t.Fatalf("error %v", err)
	}
	if _, err := target.Stat(generate.AnswersPath); err == nil {
		t.Fatal("the answers were written before the files")
	}
	options.Document, options.Path, options.Source = document, "shop/codex-design.yaml", []byte(shopFile)
	r := start(t, options)
	r.sees("cut off")
	if text, err := afero.ReadFile(target, generate.AnswersPath); err != nil || string(text) != shopFile {
		t.Errorf("the commit was not finished: %v", err)
	}
}
