package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"codex-design/generate"
	"codex-design/model"
)

func explainCommand(streams Streams) *cobra.Command {
	var format, templates string
	command := &cobra.Command{
		Use:   "explain [PATH] [FILE or DIR]",
		Short: "Say where a number comes from, or whose a file is",
		Long: `Explain a number of the blueprint: its formula, the inputs, the design rules that
it satisfies and the source of the formula. Or explain a file of the generated
tree: whose it is, what made it, whether it was edited, and which changed answers
will change it.

Without PATH it lists every number. PATH is written as in
architecture/blueprint.yaml (dots) or as in the tree (slashes). The design is the
answers file in the current directory, or FILE.`,
		Example: `  codex-design explain
  codex-design explain services.catalog.pool_size
  codex-design explain services/catalog/Dockerfile
  codex-design explain timeouts.gateway shop`,
		Args: arguments(0, 2, "a path and at most one file or directory"),
		RunE: func(command *cobra.Command, args []string) error {
			if err := oneOf("--format", format, []string{"text", "json"}); err != nil {
				return err
			}
			if err := recoverTrees(streams, argumentOr(args, 1, ".")); err != nil {
				return err
			}
			file, err := findAnswers(argumentOr(args, 1, generate.AnswersPath))
			if err != nil {
				return err
			}
			opened, err := readAnswers(file)
			if err != nil {
				return err
			}
			e := explainer{streams.Out, format, templates, opened}
			return e.explain(command.Context(), argumentOr(args, 0, ""))
		},
	}
	command.Flags().StringVar(&format, "format", "text", "form of the results: text or json")
	completeFlag(command, "format", fixed("text", "json"))
	command.Flags().StringVar(&templates, "templates", "", "lay the templates in `DIR` over the built-in ones, file by file")
	return command
}

// explainer answers for one design.
type explainer struct {
	out       io.Writer
	format    string
	templates string
	design    source
}

func (e explainer) explain(ctx context.Context, path string) error {
	blueprint := model.Resolve(e.design.answers)
	if path == "" {
		return e.list(blueprint.Quantities())
	}
	if quantity, ok := blueprint.Explain(path); ok {
		return e.number(path, quantity)
	}
	found, err := e.file(ctx, path)
	if err != nil || found {
		return err
	}
	if near := blueprint.NearestPath(path); near != "" && !strings.Contains(path, "/") {
		return usage("there is no number and no file %s; did you mean %s?", path, near)
	}
	return usage("%s is neither a number of the blueprint nor a file of the tree", path)
}

// quantityJSON is a number for programs.
type quantityJSON struct {
	Path    string      `json:"path"`
	Value   float64     `json:"value"`
	Unit    string      `json:"unit,omitempty"`
	Formula string      `json:"formula"`
	Inputs  []inputJSON `json:"inputs"`
	Rules   []string    `json:"rules"`
	Source  string      `json:"source,omitempty"`
}

type inputJSON struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

func newQuantityJSON(path string, q model.Quantity) quantityJSON {
	result := quantityJSON{
		Path: path, Value: q.Value, Unit: q.Unit, Formula: q.Formula,
		Inputs: []inputJSON{}, Rules: append([]string{}, q.Rules...), Source: q.Source,
	}
	for _, input := range q.Inputs {
		result.Inputs = append(result.Inputs, inputJSON(input))
	}
	return result
}

func (e explainer) list(quantities []model.NamedQuantity) error {
	if e.format == "json" {
		list := []quantityJSON{}
		for _, q := range quantities {
			list = append(list, newQuantityJSON(q.Path, q.Quantity))
		}
		return writeJSON(e.out, list)
	}
	for _, q := range quantities {
		if _, err := fmt.Fprintf(e.out, "%s = %s\n", q.Path, amount(q.Quantity)); err != nil {
			return err
		}
	}
	return nil
}

func (e explainer) number(path string, q model.Quantity) error {
	if e.format == "json" {
		return writeJSON(e.out, newQuantityJSON(path, q))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s = %s\n", path, amount(q))
	fmt.Fprintf(&text, "  formula: %s\n", q.Formula)
	for _, input := range q.Inputs {
		fmt.Fprintf(&text, "    %s = %s\n", input.Name, plain(input.Value))
	}
	if len(q.Rules) > 0 {
		fmt.Fprintf(&text, "  rules:   %s\n", strings.Join(q.Rules, ", "))
	}
	if q.Source != "" {
		fmt.Fprintf(&text, "  source:  %s\n", q.Source)
	}
	_, err := io.WriteString(e.out, text.String())
	return err
}

// amount writes a number with its unit.
func amount(q model.Quantity) string {
	return strings.TrimSpace(plain(q.Value) + " " + q.Unit)
}

// plain writes a number without exponent and with at most four decimals.
func plain(value float64) string {
	return strconv.FormatFloat(math.Round(value*1e4)/1e4, 'f', -1, 64)
}

// fileJSON is what is known of a file of the tree.
type fileJSON struct {
	Path     string         `json:"path"`
	Owner    generate.Owner `json:"owner"`
	Kind     string         `json:"kind"`
	Template string         `json:"template,omitempty"`
	State    generate.State `json:"state"`
	Reason   string         `json:"reason,omitempty"`
	Because  []string       `json:"because,omitempty"` // the changed answers that change it
}

// ownerWords say what an owner means to the user.
var ownerWords = map[generate.Owner]string{
	generate.Generated: "generated: written anew when the design changes; your edits are kept",
	generate.Yours:     "yours: created once, never touched again",
	generate.Appended:  "a migration: never rewritten, new ones are added after it",
}

// file explains a file of the tree that the design stands in.
func (e explainer) file(ctx context.Context, path string) (bool, error) {
	templates, err := loadTemplates(e.templates)
	if err != nil {
		return false, err
	}
	target, err := generate.OpenDisk(filepath.Dir(e.design.file))
	if err != nil {
		return false, err
	}
	text, err := e.design.text()
	if err != nil {
		return false, err
	}
	plan, err := generate.Prepare(target, generate.NewDesign(e.design.answers, text, e.design.basis), templates)
	if err != nil {
		return false, err
	}
	path = filepath.ToSlash(filepath.Clean(path))
	index := slices.IndexFunc(plan.Changes, func(c generate.Change) bool { return c.Path == path })
	if index < 0 {
		return false, nil
	}
	causes, err := plan.FindCauses(ctx, e.design.answers, templates)
	if err != nil {
		return true, err
	}
	return true, e.printFile(plan.Changes[index], planReport{causes: causes}.because(path))
}

func (e explainer) printFile(change generate.Change, because []string) error {
	if e.format == "json" {
		return writeJSON(e.out, fileJSON{
			Path: change.Path, Owner: change.Artifact.Owner, Kind: change.Artifact.Kind,
			Template: change.Artifact.Template, State: change.State, Reason: change.Reason, Because: because,
		})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", change.Path)
	if words := ownerWords[change.Artifact.Owner]; words != "" && change.Artifact.Kind != "answers" {
		fmt.Fprintf(&text, "  owner:    %s\n", words)
	}
	if change.Artifact.Template != "" {
		fmt.Fprintf(&text, "  template: %s\n", change.Artifact.Template)
	}
	if change.Artifact.Kind != "" {
		fmt.Fprintf(&text, "  kind:     %s\n", change.Artifact.Kind)
	}
	fmt.Fprintf(&text, "  next generation: %s", change.State)
	if change.Reason != "" {
		fmt.Fprintf(&text, " (%s)", change.Reason)
	}
	for _, line := range because {
		fmt.Fprintf(&text, "\n  because:  %s", line)
	}
	_, err := io.WriteString(e.out, text.String()+"\n")
	return err
}
