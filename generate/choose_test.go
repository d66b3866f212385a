package generate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestChoosingIsPreparingWithChoices edits files of every kind and shows that a
// choice taken into a plan gives the plan that is made with it.
func TestChoosingIsPreparingWithChoices(t *testing.T) {
	g := newGenerations(t, editTree)
	g.generate(t, design("A"))
	put(t, g.target, "app.py", "title = \"X\"\r\n\r\n\r\n\r\ndef run():\r\n    stop()\r\n")
	put(t, g.target, "open.txt", "title X\n\n\n\nthe end")
	put(t, g.target, "logo.png", "\x89PNG\x00mine\x00")
	put(t, g.target, "run.sh", "#!/bin/sh\necho A\necho more\n")
	open := g.plan(t, design("B"))
	if conflicts, files := open.Open(); conflicts != 4 || files != 4 {
		t.Fatalf("%d conflicts in %d files: %v", conflicts, files, open.Blocked)
	}
	var single []Choices
	for i := range open.Changes {
		for _, dispute := range open.Changes[i].Disputes {
			for _, choice := range []Choice{KeepMine, TakeNew, Markers} {
				single = append(single, Choices{}.With(choice, dispute), Choices{All: Markers}.With(choice, dispute))
			}
		}
	}
	for _, choices := range append(single, Choices{}, Choices{All: KeepMine}, Choices{All: TakeNew}, Choices{All: Markers}) {
		next := design("B")
		next.Choices = choices
		want, got := g.plan(t, next), open.Choose(Choices{All: KeepMine}).Choose(choices)
		slices.Sort(want.Blocked)
		slices.Sort(got.Blocked)
		if strings.Join(want.Blocked, "\n") != strings.Join(got.Blocked, "\n") {
			t.Errorf("%v: blocked by\n%v\nwant\n%v", choices, got.Blocked, want.Blocked)
		}
		for i, change := range got.Changes {
			if !reflect.DeepEqual(change, want.Changes[i]) {
				t.Errorf("%v: %s is %s %q, want %s %q", choices, change.Path, change.State, change.After, want.Changes[i].State, want.Changes[i].After)
			}
		}
	}
}

func TestAConflictIsItsLinesAndNotItsNumber(t *testing.T) {
	merged := MergeText("a\n1\n2\n3\n4\na\n", "b\n1\n2\n3\n4\nb\n", "c\n1\n2\n3\n4\nc\n")
	first := merged.disputes("x")
	if len(first) != 2 || first[0] == first[1] {
		t.Fatalf("two conflicts of the same lines are %v", first)
	}
	other := MergeText("a\n1\n2\n3\n4\na\n", "b\n1\n2\n3\n4\nb\n", "c\n1\n2\n3\n4\nd\n").disputes("x")
	if other[0] != first[0] || slices.Contains(first, other[1]) {
		t.Errorf("%v and %v", first, other)
	}
	if slices.Contains(merged.disputes("y"), first[0]) {
		t.Error("another file has the same conflict")
	}
}

func TestConflictsSayTheirLines(t *testing.T) {
	merged := MergeText("a\n1\n2\n3\n4\nx\ny\n5\n6\n7\n8\nz\n", "b\n1\n2\n3\n4\nX\nY\nY\n5\n6\n7\n8\n", "c\n1\n2\n3\n4\nx2\ny2\n5\n6\n7\n8\nz2\n")
	change := Change{Path: "x", Merged: merged, Disputes: merged.disputes("x")}
	for choice, want := range map[Choice]string{Undecided: "lines 1, 6-8, 13", KeepMine: "lines 6-8, 13"} {
		change.settle(Choices{}.With(choice, change.Disputes[0]))
		if got := change.openLines(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
