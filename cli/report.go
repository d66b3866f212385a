package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"codex-design/generate"
)

// planReport is a plan as it is shown.
type planReport struct {
	dir       string
	plan      generate.Plan
	causes    generate.Causes // why files change, where it was asked for
	committed bool
}

// because says why a file changes, a line for each answer.
func (r planReport) because(path string) []string {
	if r.causes.Release[path] {
		return []string{"this release of codex-design, or the templates, generate it in another way"}
	}
	var lines []string
	for _, change := range r.causes.Each[path] {
		lines = append(lines, change.String())
	}
	return lines
}

// stateWords are the states in the order in which they are counted, with the
// mark of a line and the word of a sum.
var stateWords = []struct {
	state      generate.State
	mark, word string
}{
	{generate.Create, "+", "created"},
	{generate.Update, "~", "updated"},
	{generate.Merge, "%", "merged"},
	{generate.Conflict, "!", "in conflict"},
	{generate.Delete, "-", "deleted"},
	{generate.Keep, "=", "kept as they are"},
	{generate.Unchanged, " ", "unchanged"},
}

func mark(state generate.State) string {
	for _, s := range stateWords {
		if s.state == state {
			return s.mark
		}
	}
	return "?"
}

// summary counts the files: 12 created, 3 updated.
func (r planReport) summary() string {
	counts := r.plan.Counts()
	var parts []string
	for _, s := range stateWords {
		if n := counts[s.state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.word))
		}
	}
	return strings.Join(parts, ", ")
}

// verdict is errFindings where the tree is not, or would not be, what the design asks for.
func (r planReport) verdict() error {
	if len(r.plan.Blocked) > 0 || len(r.plan.Outdated()) > 0 || r.plan.Counts()[generate.Conflict] > 0 {
		return errFindings
	}
	return nil
}

// print shows a plan that is not carried out.
func (r planReport) print(streams Streams, flags designFlags) error {
	if flags.format == "json" {
		return r.printJSON(streams.Out, flags.diff)
	}
	paint := newPainter(streams.Out)
	for _, change := range r.plan.Changes {
		text := r.line(change)
		if flags.diff {
			text = paint.diff(r.explained(change))
		}
		if _, err := io.WriteString(streams.Out, text); err != nil {
			return err
		}
	}
	fmt.Fprintf(streams.Err, "%s: %s. Nothing was written.\n", r.dir, r.summary())
	r.printWarnings(streams.Err)
	return nil
}

// explained is the diff of a change behind lines that say why; programs that read
// diffs skip those.
func (r planReport) explained(change generate.Change) string {
	diff := change.Diff()
	if diff == "" {
		return ""
	}
	var text strings.Builder
	for _, line := range r.because(change.Path) {
		fmt.Fprintf(&text, "# because %s\n", line)
	}
	return text.String() + diff
}

// line is one line of the plan; unchanged files have none.
func (r planReport) line(change generate.Change) string {
	if change.State == generate.Unchanged {
		return ""
	}
	line := fmt.Sprintf("%s %-9s %s", mark(change.State), change.State, change.Path)
	if change.Reason != "" {
		line += " (" + change.Reason + ")"
	}
	return line + "\n"
}

// printOutcome tells what --yes did.
func (r planReport) printOutcome(streams Streams, flags designFlags) error {
	if flags.format == "json" {
		return r.printJSON(streams.Out, false)
	}
	switch {
	case !r.committed:
		fmt.Fprintf(streams.Err, "%s: nothing was written.\n", r.dir)
	case r.plan.Writes():
		fmt.Fprintf(streams.Err, "%s: %s.\n", r.dir, r.summary())
		fmt.Fprintf(streams.Err, "Next: %s\n", nextStep(r.dir))
	default:
		fmt.Fprintf(streams.Err, "%s: nothing to do, every file is as the design says.\n", r.dir)
	}
	r.printWarnings(streams.Err)
	return nil
}

// nextStep is the command that shows what can be done with a system.
func nextStep(dir string) string {
	if dir == "." {
		return "make help"
	}
	return fmt.Sprintf("cd %s && make help", dir)
}

// printWarnings lists what stands between the tree and the design, what a new
// migration costs, and what changes for others.
func (r planReport) printWarnings(out io.Writer) {
	for _, change := range r.plan.Changes {
		for _, note := range change.Artifact.Notes {
			if change.State == generate.Create {
				fmt.Fprintf(out, "note: %s: %s\n", change.Path, note)
			}
		}
	}
	for _, contract := range r.plan.Contracts {
		for _, line := range contract.Lines() {
			fmt.Fprintf(out, "contract: %s\n", line)
		}
	}
	for _, schema := range r.plan.Schemas {
		for _, retired := range schema.Retired {
			fmt.Fprintf(out, "waits for --contract: %s: %s\n", schema.Service, retired)
		}
	}
	for _, reason := range r.plan.Blocked {
		fmt.Fprintf(out, "blocked: %s\n", reason)
	}
	for _, change := range r.plan.Outdated() {
		fmt.Fprintf(out, "kept: %s: %s\n", change.Path, change.Reason)
	}
	for _, change := range r.plan.Changes {
		if change.State == generate.Conflict && change.Undecided == 0 {
			fmt.Fprintf(out, "conflict: %s: both sides are in it, between markers: edit it and remove them\n", change.Path)
		}
	}
}

// planJSON is the form of a plan for programs.
type planJSON struct {
	Target    string                  `json:"target"`
	Committed bool                    `json:"committed"`
	Counts    generate.Counts         `json:"counts"`
	Blocked   []string                `json:"blocked"`
	Schemas   []generate.SchemaPlan   `json:"schemas"`
	Contracts []generate.ContractPlan `json:"contracts"`
	Changes   []changeJSON            `json:"changes"`
}

type changeJSON struct {
	Path      string         `json:"path"`
	State     generate.State `json:"state"`
	Reason    string         `json:"reason,omitempty"`
	From      string         `json:"from,omitempty"` // where it was before a rename
	Outdated  bool           `json:"outdated,omitempty"`
	Conflicts int            `json:"conflicts,omitempty"`
	Notes     []string       `json:"notes,omitempty"`
	Kind      string         `json:"kind,omitempty"`
	Owner     generate.Owner `json:"owner,omitempty"`
	Because   []string       `json:"because,omitempty"` // with --diff: the answers that change it
	Diff      string         `json:"diff,omitempty"`
}

func (r planReport) printJSON(out io.Writer, diffs bool) error {
	result := planJSON{
		Target: r.dir, Committed: r.committed, Counts: r.plan.Counts(),
		Blocked: append([]string{}, r.plan.Blocked...), Schemas: append([]generate.SchemaPlan{}, r.plan.Schemas...),
		Contracts: append([]generate.ContractPlan{}, r.plan.Contracts...), Changes: []changeJSON{},
	}
	for _, change := range r.plan.Changes {
		line := changeJSON{
			Path: change.Path, State: change.State, Reason: change.Reason, From: change.From,
			Outdated: change.Outdated, Conflicts: change.Merged.Conflicts(),
			Kind: change.Artifact.Kind, Owner: change.Artifact.Owner, Notes: change.Artifact.Notes,
		}
		if diffs {
			line.Because, line.Diff = r.because(change.Path), change.Diff()
		}
		result.Changes = append(result.Changes, line)
	}
	return writeJSON(out, result)
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// painter colours diffs on a terminal, unless NO_COLOR is set.
type painter struct{ colour bool }

func newPainter(out io.Writer) painter {
	return painter{isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

var diffColours = map[byte]string{'+': "32", '-': "31", '@': "36"}

func (p painter) diff(text string) string {
	if !p.colour || text == "" {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if line == "" {
			continue
		}
		if colour, ok := diffColours[line[0]]; ok {
			body, end, _ := strings.Cut(line, "\n")
			lines[i] = "\x1b[" + colour + "m" + body + "\x1b[0m" + end
			if strings.HasSuffix(line, "\n") {
				lines[i] += "\n"
			}
		}
	}
	return strings.Join(lines, "")
}
