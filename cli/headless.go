package cli

import (
	"context"
	"errors"
	"fmt"

	"codex-design/generate"
	"codex-design/model"
)

// runHeadless plans a design and, with --yes, commits it.
func runHeadless(ctx context.Context, streams Streams, flags designFlags, start source, templates *generate.Templates) error {
	if example := start.borrowServices(); example != "" {
		fmt.Fprintf(streams.Err, "No services are given: taking those of the example %q.\n", example)
	}
	if problems := model.Check(start.answers); len(problems) > 0 {
		return problemsError{start.label(), problems}
	}
	text, err := start.text()
	if err != nil {
		return err
	}
	dir := flags.place(start.answers.Name, start.file)
	target, err := generate.OpenDisk(dir)
	if err != nil {
		return usage("%s", err)
	}
	if err := recoverTree(streams.Err, dir); err != nil {
		return err
	}
	design := generate.NewDesign(start.answers, text, start.basis)
	design.Choices, design.Consent = flags.choices(), flags.consent()
	plan, err := generate.Prepare(target, design, templates)
	if err != nil {
		return err
	}
	report := planReport{dir: dir, plan: plan}
	if !flags.yes {
		return preview(ctx, streams, flags, report, start.answers, templates)
	}
	if len(plan.Blocked) == 0 {
		progress := newProgress(streams.Err)
		err := generate.Commit(ctx, target, plan, progress.step)
		progress.clear()
		if err != nil {
			return commitError(dir, err)
		}
		report.committed = true
	}
	if err := report.printOutcome(streams, flags); err != nil {
		return err
	}
	return report.verdict()
}

// preview shows a plan that is not carried out, with --diff also why.
func preview(ctx context.Context, streams Streams, flags designFlags, report planReport, answers model.Answers, templates *generate.Templates) error {
	if flags.diff {
		causes, err := report.plan.FindCauses(ctx, answers, templates)
		if err != nil {
			return err
		}
		report.causes = causes
	}
	if err := report.print(streams, flags); err != nil {
		return err
	}
	return report.verdict()
}

// commitError says where the commit failed; an interruption stays one.
func commitError(dir string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w", dir, err)
}
