// Package ui is the wizard: a terminal program that asks for the answers, shows
// the system that follows from them and commits it.
package ui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/afero"

	_ "codex-design/ui/pin" // before bubbletea

	"codex-design/generate"
	"codex-design/model"
)

// ErrInterrupted says that the user left the wizard without committing.
var ErrInterrupted = errors.New("left without writing anything")

// Place says where a system is written: Fs is rooted at the system's own
// directory, Name is that directory as the user would write it.
type Place struct {
	Fs   afero.Fs
	Name string
}

// Options is what a run of the wizard needs from outside.
type Options struct {
	// Document is the saved file that is re-opened, in the review, or with no Path
	// the example that a new design starts from; nil for a blank design.
	Document *model.Document
	// Source is the text that Document was read from.
	Source []byte
	// Path is the saved file's path in Files; empty for a new design.
	Path string
	// Answers are what to start with instead of Document's, or without one; nil
	// (and no Document) shows the start page.
	Answers *model.Answers

	// Place says where the system called name goes; file is the path of the
	// answers file that it was opened from, empty for a new design.
	Place func(name, file string) Place
	// Files is where the start page opens saved answers files by path.
	Files afero.Fs
	// Drafts keeps unsaved work; nil keeps none. Draft is the file's name in it.
	Drafts afero.Fs
	Draft  string

	// Verify asks the consumers about what was written; nil where nobody can.
	Verify Verifier

	Choices    generate.Choices // what to do about conflicts that nobody decides in the review
	Consent    generate.Consent // what is allowed without a question
	Templates  *generate.Templates
	Theme      string // light, dark or auto
	NoColor    bool   // beside NO_COLOR
	Accessible bool   // line prompts; also by CODEX_DESIGN_ACCESSIBLE=1 and on a dumb terminal
	Mouse      bool
	Version    string
	Getenv     func(string) string // os.Getenv when nil
	In         io.Reader           // the terminal; os.Stdin when nil
	Out        io.Writer           // os.Stdout when nil
}

// Result is how a run ended.
type Result struct {
	Committed bool          // files were written
	Answers   model.Answers // as they stood at the end
	Place     Place         // where they were written, when Committed
}

// Run shows the wizard until the user commits or leaves. It returns
// ErrInterrupted when they left without committing. It must only be called with
// a terminal at In and Out, unless Accessible.
func Run(ctx context.Context, options Options) (Result, error) {
	options = options.filled()
	if options.Accessible {
		return runPlain(ctx, options)
	}
	settings := []tea.ProgramOption{tea.WithAltScreen(), tea.WithContext(ctx), tea.WithOutput(options.Out), tea.WithInput(options.In)}
	if options.Mouse {
		settings = append(settings, tea.WithMouseCellMotion())
	}
	wizard := New(ctx, options)
	_, err := tea.NewProgram(wizard, settings...).Run()
	wizard.stopVerifying()
	result := wizard.result.Result
	result.Answers = wizard.design.answers
	switch {
	case errors.Is(err, tea.ErrInterrupted) || errors.Is(err, tea.ErrProgramKilled):
		err = ErrInterrupted
	case err == nil && !result.Committed:
		err = ErrInterrupted
	}
	return result, err
}

// filled puts the defaults in.
func (o Options) filled() Options {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Draft == "" {
		o.Draft = "draft.json"
	}
	o.Accessible = o.Accessible || o.Getenv("CODEX_DESIGN_ACCESSIBLE") == "1" || o.Getenv("TERM") == "dumb"
	return o
}

// DraftName is the file in which the draft of work in a directory is kept; the
// directory is given by its absolute path.
func DraftName(directory string) string {
	digest := sha256.Sum256([]byte(directory))
	return hex.EncodeToString(digest[:8]) + ".json"
}
