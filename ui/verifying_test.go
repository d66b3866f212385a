package ui

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"codex-design/verify"
)

// verdicts are one consumer of each kind, and what they say.
var verdicts = verify.Report{
	Consumers: []verify.Outcome{
		{Consumer: "ruff check", Files: map[verify.State]int{verify.Accepted: 94}},
		{Consumer: "mypy --strict", Files: map[verify.State]int{verify.Accepted: 92, verify.Rejected: 2}},
		{Consumer: "kube-score", Missing: "kube-score", Get: "https://kube-score.example", Files: map[verify.State]int{verify.Missing: 30}},
	},
	Artifacts: []verify.Artifact{
		{Path: "services/order/src/order/main.py", State: verify.Rejected, Checks: []verify.Check{
			{Consumer: "ruff check", State: verify.Accepted},
			{Consumer: "mypy --strict", State: verify.Rejected, Messages: []verify.Message{{Line: 7, Text: "Incompatible\ttypes\nin \x1b[31massignment"}}},
		}},
		{Path: "README.md", State: verify.Unread},
	},
}

// scriptedVerifier reports its verdicts after a step for each consumer.
func scriptedVerifier(_ context.Context, _ Place, progress func(verify.Progress)) (verify.Report, error) {
	for i, outcome := range verdicts.Consumers {
		progress(verify.Progress{Done: i + 1, Total: 3, Consumer: outcome.Consumer, Ended: true, Outcome: outcome})
	}
	return verdicts, nil
}

func TestVerifyShowsWhatTheConsumersSay(t *testing.T) {
	r := saved(t, shopFile).press("c", "enter").sees("Done").sees("· v verify").press("v")
	r.sees("✗ 0 accepted, 1 rejected, 1 read by none.")
	r.sees("services/order/src/order/main.py:7: rejected by mypy --strict: Incompatible    types").sees("in ␦[31massignment")
	r.sees("✓ ruff check").sees("✗ mypy --strict           92 accepted, 2 rejected")
	r.sees("▲ kube-score").sees("kube-score is missing: https://kube-score.example")
	r.press("v").sees("1 rejected").press("esc").sees("Done")
	if r.press("v", "q"); !r.Quit {
		t.Error("q does not leave")
	}
}

func TestVerifyThatCannotRunSaysWhy(t *testing.T) {
	r := saved(t, shopFile)
	r.m.options.Verify = func(context.Context, Place, func(verify.Progress)) (verify.Report, error) {
		return verify.Report{}, errors.New("the record is damaged")
	}
	r.press("c", "enter", "v").sees("✗ the record is damaged").press("esc").sees("Done")
	r.m.options.Verify = nil
	r.seesNot("· v verify").press("v").sees("Done").sees("nothing here that could ask")
}

func TestVerifyScrolls(t *testing.T) {
	r := saved(t, shopFile).press("c", "enter")
	r.m.options.Verify = func(context.Context, Place, func(verify.Progress)) (verify.Report, error) {
		long := verdicts
		for range 50 {
			long.Consumers = append(long.Consumers, verdicts.Consumers[0])
		}
		long.Consumers = append(long.Consumers, verify.Outcome{Consumer: "the last one", Files: map[verify.State]int{verify.Accepted: 1}})
		return long, nil
	}
	r.press("v").seesNot("the last one")
	r.press("pgdown", "pgdown", "pgdown", "pgdown").sees("the last one").press("up", "pgup", "pgup", "pgup", "pgup").sees("rejected by mypy")
}

// Progress is seen while consumers are at work, and going back ends them.
func TestVerifyIsEndedByGoingBack(t *testing.T) {
	r := saved(t, shopFile).press("c", "enter")
	asked := make(chan context.Context, 1)
	r.m.options.Verify = func(ctx context.Context, _ Place, progress func(verify.Progress)) (verify.Report, error) {
		progress(verify.Progress{Done: 3, Total: 9, Consumer: "mypy --strict"})
		asked <- ctx
		<-ctx.Done()
		return verify.Report{}, ctx.Err()
	}
	ended := make(chan tea.Msg, 1)
	batch := r.m.verifyWritten()().(tea.BatchMsg)
	go func() { ended <- batch[0]() }()
	ctx := <-asked
	r.m.Update(<-r.m.verification.steps)
	if screen := r.Screen(); !strings.Contains(screen, "3/9") || !strings.Contains(screen, "mypy --strict") {
		t.Errorf("no progress:\n%s", screen)
	}
	r.m.Update(tea.KeyMsg{Type: tea.KeyEsc})
	if ctx.Err() == nil {
		t.Error("the consumers are still at work")
	}
	r.sees("Done")
	r.m.Update(<-ended)
	if r.m.verification.running() || r.Sees("canceled") {
		t.Error("the end was not noticed, or told as a failure")
	}
}

// Whoever leaves the program while consumers are at work leaves no process behind.
func TestVerifyIsEndedWithTheProgram(t *testing.T) {
	r := saved(t, shopFile).press("c", "enter")
	returned := make(chan bool, 1)
	r.m.options.Verify = func(ctx context.Context, _ Place, _ func(verify.Progress)) (verify.Report, error) {
		<-ctx.Done()
		returned <- true
		return verify.Report{}, ctx.Err()
	}
	batch := r.m.verifyWritten()().(tea.BatchMsg)
	go batch[0]()
	r.m.stopVerifying()
	select {
	case <-returned:
	default:
		t.Error("did not wait for the consumers")
	}
}
