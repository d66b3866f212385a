package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"codex-design/generate"
	"codex-design/model"
)

func checkCommand(streams Streams) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "check [FILE or DIR]",
		Short: "Check an answers file and the design rules",
		Long: `Check an answers file: first that it can be read and used, then the design rules:
do replicas, pools, timeouts, retries and limits fit together at the stated load?
Each finding names the rule, the answer that causes it and what to do.

Exit code 0: no finding above "info"; 1: errors or warnings; 2: the answers
cannot be used.`,
		Example: `  codex-design check
  codex-design check shop --format json
  codex-design check shop/codex-design.yaml --format sarif > findings.sarif`,
		Args: arguments(0, 1, "at most one file or directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("--format", format, []string{"text", "json", "sarif"}); err != nil {
				return err
			}
			return runCheck(streams, argumentOr(args, 0, generate.AnswersPath), format)
		},
	}
	command.Flags().StringVar(&format, "format", "text", "form of the results: text, json or sarif")
	completeFlag(command, "format", fixed("text", "json", "sarif"))
	return command
}

func argumentOr(args []string, index int, otherwise string) string {
	if len(args) > index {
		return args[index]
	}
	return otherwise
}

// checked is everything that a check has to say.
type checked struct {
	File     string          `json:"file"`
	Problems []model.Problem `json:"problems"`
	Findings []located       `json:"findings"`
}

// located is a finding with its place in the answers file.
type located struct {
	model.Finding
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

func runCheck(streams Streams, argument, format string) error {
	if err := recoverTrees(streams, argument); err != nil {
		return err
	}
	file, err := findAnswers(argument)
	if err != nil {
		return err
	}
	opened, problems, err := openAnswers(file)
	if err != nil {
		return err
	}
	result := checked{File: file, Problems: append([]model.Problem{}, problems...), Findings: []located{}}
	if len(problems) == 0 {
		for _, finding := range model.Resolve(opened.answers).Findings {
			line, column := opened.document.Position(finding.Path)
			result.Findings = append(result.Findings, located{finding, line, column})
		}
	}
	if err := result.print(streams, format); err != nil {
		return err
	}
	return result.verdict(format)
}

// verdict chooses the exit code. The problems of a text check are printed by it.
func (c checked) verdict(format string) error {
	if len(c.Problems) > 0 {
		if format == "text" {
			return problemsError{c.File, c.Problems}
		}
		return usage("%s: %s", c.File, count(len(c.Problems), "problem", "problems"))
	}
	for _, finding := range c.Findings {
		if finding.Severity != model.SeverityInfo {
			return errFindings
		}
	}
	return nil
}

func (c checked) print(streams Streams, format string) error {
	switch format {
	case "json":
		return writeJSON(streams.Out, c)
	case "sarif":
		return writeJSON(streams.Out, c.sarif())
	}
	if len(c.Problems) > 0 {
		return nil
	}
	for _, finding := range c.Findings {
		if _, err := io.WriteString(streams.Out, finding.text(c.File)); err != nil {
			return err
		}
	}
	fmt.Fprintf(streams.Err, "%s: %s\n", c.File, count(len(c.Findings), "finding", "findings"))
	return nil
}

func (l located) text(file string) string {
	place := file
	if l.Line > 0 {
		place += fmt.Sprintf(":%d:%d", l.Line, l.Column)
	}
	text := fmt.Sprintf("%s: %s: %s [%s]\n", place, l.Severity, l.Message, l.Rule)
	if l.Path != "" {
		text += "  answer: " + l.Path + "\n"
	}
	if l.Hint != "" {
		text += "  " + l.Hint + "\n"
	}
	return text
}
