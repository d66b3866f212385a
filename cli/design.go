package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"codex-design/generate"
	"codex-design/model"
)

// designFlags is what the main command can be told.
type designFlags struct {
	architecture, scale string
	set                 []string
	example             string
	yes, dryRun, diff   bool
	onConflict          string
	restore             bool
	contract, loss      bool
	breaking            bool
	out, templates      string
	format              string
	theme               string
	accessible, mouse   bool
}

const designHelp = `codex-design turns a handful of answers into a whole system of services: code,
migrations, API descriptions, tests and load tests that run.

Without --yes it opens the wizard: it asks, shows the system taking shape beside
the questions, and writes nothing before you say so. The answers are saved as
codex-design.yaml in the system's directory. Open that file again at any time,
change one thing, and see what becomes of every file: your edits are merged with
what changed, and where both changed the same lines you choose.

The system goes to the directory of its codex-design.yaml, a new one to ./NAME.`

const designExamples = `  # the wizard: a new design, or the codex-design.yaml that is here
  codex-design
  codex-design --type microservices --scale medium

  # look before you leap: what an example would write, then write it
  codex-design --example shop --dry-run
  codex-design --example shop --yes

  # change one answer of a saved design and see the difference
  codex-design shop/codex-design.yaml --set load.peak_rps=900 --diff

  # the same, and where an edit of yours collides with it leave both to be sorted out
  codex-design shop/codex-design.yaml --set load.peak_rps=900 --yes --on-conflict markers`

func designCommand(streams Streams) *cobra.Command {
	flags := &designFlags{}
	command := &cobra.Command{
		Use:     "codex-design [FILE]",
		Short:   "Design a system of services and generate it",
		Long:    designHelp,
		Example: designExamples,
		Version: Version,
		Args:    arguments(0, 1, "at most one answers file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDesign(cmd, streams, *flags, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	command.SetVersionTemplate(versionLine() + "\n")
	flags.register(command)
	return command
}

func (f *designFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.architecture, "type", "", "answer the architecture: "+values("architecture"))
	flags.StringVar(&f.scale, "scale", "", "answer the scale: "+values("scale"))
	flags.StringArrayVar(&f.set, "set", nil, "answer anything, as `KEY=VALUE` (can be repeated): --set datastores.cache=none")
	flags.StringVar(&f.example, "example", "", "start from the ready-made design `NAME`")
	flags.BoolVarP(&f.yes, "yes", "y", false, "no wizard: generate and write")
	flags.StringVarP(&f.out, "out", "o", "", "write to the directory `DIR`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "no wizard: show what would happen to each file; write nothing")
	flags.BoolVar(&f.diff, "diff", false, "no wizard: show the changes as unified diffs; write nothing")
	flags.StringVar(&f.onConflict, "on-conflict", "fail", "where you and the design changed the same lines: "+strings.Join(conflictWords, ", "))
	flags.BoolVar(&f.restore, "restore", false, "generate again what you deleted")
	flags.BoolVar(&f.contract, "contract", false, "take away what only the release before needs of the databases, because it no longer runs")
	flags.BoolVar(&f.breaking, "accept-breaking", false, "change APIs and events although that breaks those who rely on them")
	flags.BoolVar(&f.loss, "allow-data-loss", false, "let a migration lose what is stored")
	flags.StringVar(&f.templates, "templates", "", "lay the templates in `DIR` over the built-in ones, file by file")
	flags.StringVar(&f.format, "format", "text", "form of the results: text or json")
	flags.StringVar(&f.theme, "theme", "auto", "colours of the wizard: light, dark or auto")
	flags.BoolVar(&f.accessible, "accessible", false, "ask line by line, for screen readers and plain terminals")
	flags.BoolVar(&f.mouse, "mouse", false, "let the wizard use the mouse")
	completeChoices(command)
}

// conflictWords are the values of --on-conflict.
var conflictWords = []string{"fail", string(generate.KeepMine), string(generate.TakeNew), string(generate.Markers)}

// choices are what the flags say about conflicts; fail leaves them undecided.
func (f designFlags) choices() generate.Choices {
	choices := generate.Choices{Restore: f.restore}
	if f.onConflict != "fail" {
		choices.All = generate.Choice(f.onConflict)
	}
	return choices
}

// consent is what the flags say yes to.
func (f designFlags) consent() generate.Consent {
	return generate.Consent{Contract: f.contract, DataLoss: f.loss, Breaking: f.breaking}
}

// values lists the values of a closed question for a help text.
func values(key string) string {
	var names []string
	for _, choice := range model.Choices(key) {
		names = append(names, choice.Value)
	}
	return strings.Join(names, ", ")
}

func (f designFlags) check() error {
	for _, flag := range []struct {
		name, value string
		allowed     []string
	}{
		{"--format", f.format, []string{"text", "json"}},
		{"--theme", f.theme, []string{"light", "dark", "auto"}},
		{"--on-conflict", f.onConflict, conflictWords},
	} {
		if err := oneOf(flag.name, flag.value, flag.allowed); err != nil {
			return err
		}
	}
	if f.accessible && f.headless() {
		return usage("--accessible asks, --yes, --dry-run and --diff do not: give one of them")
	}
	if f.yes && (f.dryRun || f.diff) {
		return usage("--yes writes, --dry-run and --diff write nothing: give one of them")
	}
	return nil
}

func oneOf(flag, value string, allowed []string) error {
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	return usage("%s %s: must be %s or %s", flag, value, strings.Join(allowed[:len(allowed)-1], ", "), allowed[len(allowed)-1])
}

// settings lists the answers among the flags.
func (f designFlags) settings() ([]setting, error) {
	var settings []setting
	if f.architecture != "" {
		settings = append(settings, setting{"--type", "architecture", f.architecture})
	}
	if f.scale != "" {
		settings = append(settings, setting{"--scale", "scale", f.scale})
	}
	for _, pair := range f.set {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usage("--set %s: must be KEY=VALUE, as in --set datastores.cache=none", pair)
		}
		settings = append(settings, setting{"--set " + key + " =", key, value})
	}
	return settings, nil
}

func (f designFlags) headless() bool { return f.yes || f.dryRun || f.diff }

func runDesign(cmd *cobra.Command, streams Streams, flags designFlags, args []string) error {
	if err := flags.check(); err != nil {
		return err
	}
	settings, err := flags.settings()
	if err != nil {
		return err
	}
	if err := recoverTrees(streams, flags.places(args)...); err != nil {
		return err
	}
	start, err := startFrom(args, flags.example)
	if err != nil {
		return unknownCommand(cmd, args, err)
	}
	if err := start.apply(settings); err != nil {
		return err
	}
	byLine := flags.accessible || os.Getenv("CODEX_DESIGN_ACCESSIBLE") == "1"
	if !flags.headless() && !byLine && !(isTerminal(streams.In) && isTerminal(streams.Out)) {
		return usage("there is no terminal to ask questions in: add --yes to generate without the wizard, or --dry-run to see what it would write")
	}
	templates, err := loadTemplates(flags.templates)
	if err != nil {
		return err
	}
	if !flags.headless() {
		return runWizard(cmd.Context(), streams, flags, start, templates)
	}
	return runHeadless(cmd.Context(), streams, flags, start, templates)
}

// unknownCommand adds what was probably meant where an argument is no file.
func unknownCommand(cmd *cobra.Command, args []string, err error) error {
	var wrongUse usageError
	if len(args) == 0 || !errors.As(err, &wrongUse) || strings.ContainsAny(args[0], "./\\") {
		return err
	}
	text := fmt.Sprintf("%s, and no such command", err)
	if near := cmd.Root().SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return usage("%s", text)
}

// places are what the command line says about where a design comes from and goes to.
func (f designFlags) places(args []string) []string {
	places := append([]string{"."}, args...)
	if f.out != "" {
		places = append(places, f.out+"/")
	}
	return places
}

// place is the directory that a design is written to.
func (f designFlags) place(name, file string) string {
	switch {
	case f.out != "":
		return f.out
	case file != "" && filepath.Base(file) == generate.AnswersPath:
		return filepath.Dir(file)
	}
	return name
}
