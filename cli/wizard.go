package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/ui"
	"codex-design/verify"
)

// runWizard opens the wizard on what the design starts from.
func runWizard(ctx context.Context, streams Streams, flags designFlags, start source, templates *generate.Templates) error {
	options := ui.Options{
		Document:   start.document,
		Source:     start.basis,
		Path:       start.file,
		Place:      flags.wizardPlace,
		Verify:     verifyPlace,
		Files:      afero.NewOsFs(),
		Choices:    flags.choices(),
		Consent:    flags.consent(),
		Templates:  templates,
		Theme:      flags.theme,
		Accessible: flags.accessible,
		Mouse:      flags.mouse,
		Version:    Version,
		In:         streams.In,
		Out:        streams.Out,
	}
	if start.given {
		options.Answers = &start.answers
	}
	options.Drafts, options.Draft = drafts(flags, start)
	result, err := ui.Run(ctx, options)
	if err != nil {
		return err
	}
	if result.Committed {
		fmt.Fprintf(streams.Err, "Written to %s. Next: %s\n", result.Place.Name, nextStep(result.Place.Name))
	}
	return nil
}

// verifyPlace asks the consumers about what the wizard wrote.
func verifyPlace(ctx context.Context, place ui.Place, progress func(verify.Progress)) (verify.Report, error) {
	options, err := verifyOptions(place.Name)
	if err != nil {
		return verify.Report{}, err
	}
	options.Progress = progress
	return verify.Run(ctx, options)
}

// wizardPlace is where a design that was named in the wizard goes.
func (f designFlags) wizardPlace(name, file string) ui.Place {
	dir := f.place(name, file)
	target, err := generate.OpenDisk(dir)
	if err != nil {
		return ui.Place{Name: dir, Fs: afero.NewReadOnlyFs(afero.NewMemMapFs())}
	}
	return ui.Place{Name: dir, Fs: target}
}

// drafts is where unsaved work of the wizard outlives a crash, one file for each
// directory that is worked on; nothing where the user has no home directory.
func drafts(flags designFlags, start source) (afero.Fs, string) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	subject, err := filepath.Abs(cmp.Or(flags.out, start.file, "."))
	if err != nil {
		return nil, ""
	}
	return afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(state, "codex-design", "drafts")), ui.DraftName(subject)
}
