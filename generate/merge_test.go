package generate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMergeText(t *testing.T) {
	const base = "a\nb\nc\nd\ne\nf\ng\nh\n"
	replace := func(old, text string) string { return strings.Replace(base, old, text, 1) }
	for _, test := range []struct {
		name, base, mine, fresh, want string
		conflicts                     int
	}{
		{"nobody changed", base, base, base, base, 0},
		{"only mine", base, replace("b\n", "B\n"), base, replace("b\n", "B\n"), 0},
		{"only the design", base, base, replace("b\n", ""), replace("b\n", ""), 0},
		{"apart", base, replace("b\n", "B\n"), replace("f\n", "F\nF\n"), "a\nB\nc\nd\ne\nF\nF\ng\nh\n", 0},
		{"the same", base, replace("b\n", "B\n"), replace("b\n", "B\n"), replace("b\n", "B\n"), 0},
		{"one line apart", base, replace("b\n", "B\n"), replace("d\n", "D\n"), "a\nB\nc\nD\ne\nf\ng\nh\n", 0},
		{"next to each other", base, replace("b\n", "B\n"), replace("c\n", "C\n"), "a\n<<<<<<< yours\nB\nc\n=======\nb\nC\n>>>>>>> generated\nd\ne\nf\ng\nh\n", 1},
		{"different", base, replace("b\n", "B\n"), replace("b\n", "X\n"), "a\n<<<<<<< yours\nB\n=======\nX\n>>>>>>> generated\nc\nd\ne\nf\ng\nh\n", 1},
		{"changed and removed", base, replace("b\n", "B\n"), replace("b\n", ""), "a\n<<<<<<< yours\nB\n=======\n>>>>>>> generated\nc\nd\ne\nf\ng\nh\n", 1},
		{"both added, the ends are the same", base, replace("c\n", "c\n1\n2\n"), replace("c\n", "c\n1\n3\n"), "a\nb\nc\n1\n<<<<<<< yours\n2\n=======\n3\n>>>>>>> generated\nd\ne\nf\ng\nh\n", 1},
		{"without a last line end", "a\nb", "a\nB", "a\nX", "a\n<<<<<<< yours\nB\n=======\nX\n>>>>>>> generated\n", 1},
		{"a last line end added", "a\nb\nc\nd", "a\nb\nc\nd\n", "A\nb\nc\nd", "A\nb\nc\nd\n", 0},
		{"from nothing", "", "a\n", "a\n", "a\n", 0},
		{"to nothing", base, "", base, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			merged := MergeText(test.base, test.mine, test.fresh)
			if got := merged.Text(choose(merged, Markers)); got != test.want || merged.Conflicts() != test.conflicts {
				t.Errorf("%d conflicts:\n%s\nwant %d:\n%s", merged.Conflicts(), got, test.conflicts, test.want)
			}
		})
	}
}

func TestChoicesForEachConflict(t *testing.T) {
	merged := MergeText("a\nx\nx\nx\nx\nb\n", "A\nx\nx\nx\nx\nB\n", "1\nx\nx\nx\nx\n2\n")
	if got := merged.Text([]Choice{KeepMine, TakeNew}); got != "A\nx\nx\nx\nx\n2\n" {
		t.Errorf("%q", got)
	}
	if got := merged.Text([]Choice{TakeNew, Markers}); got != "1\nx\nx\nx\nx\n<<<<<<< yours\nB\n=======\n2\n>>>>>>> generated\n" {
		t.Errorf("%q", got)
	}
}

func choose(merged Merged, choice Choice) []Choice {
	choices := make([]Choice, merged.Conflicts())
	for i := range choices {
		choices[i] = choice
	}
	return choices
}

// differsFromGit lists the triples that are merged otherwise than by git, of those
// that TestMergeIsThatOfGit makes, and why. In each, a line stands in the base more
// than once, and the two pair it with another one of its kind: both results are
// merges of the same three texts.
var differsFromGit = map[int]string{
	6:    "of two empty lines, git pairs the last one; here the first one is, so that both sides touch: a conflict where git has none",
	80:   "of three lines }, the second is taken for the one that stayed: the conflict ends two lines earlier",
	1791: "of two lines }, the first is taken for the one that stayed: the design's side of the conflict has two lines more",
	1821: "of two lines {, the second is taken for the one that stayed: the conflict begins a line later",
}

// TestMergeIsThatOfGit merges random triples as `git merge-file` does, but for
// those that are listed. Whatever the alignment, a merge must be sound; and where
// no line is repeated, there is only one.
func TestMergeIsThatOfGit(t *testing.T) {
	if testing.Short() {
		t.Skip("starts git thousands of times")
	}
	const triples, unique, seed = 2_000, 500, 20
	random := rand.New(rand.NewPCG(seed, seed))
	folder := t.TempDir()
	for i := range triples + unique {
		base := randomText(random)
		if i >= triples {
			base = numbered(base)
		}
		mine, fresh := randomEdit(random, base), randomEdit(random, base)
		merged := MergeText(base, mine, fresh)
		got, want := merged.Text(choose(merged, Markers)), gitMerge(t, folder, base, mine, fresh)
		if problem := unsound(base, mine, fresh, merged); problem != "" {
			t.Fatalf("triple %d: %s\nbase:\n%s\nmine:\n%s\nnew:\n%s\ngot:\n%s\ngit:\n%s", i, problem, base, mine, fresh, got, want)
		}
		if _, listed := differsFromGit[i]; listed == (got == want) {
			t.Errorf("triple %d: as git %v, listed %v\ngot:\n%s\ngit:\n%s", i, got == want, listed, got, want)
		}
	}
	t.Logf("seed %d: %d of %d triples as git", seed, triples+unique-len(differsFromGit), triples+unique)
}

// numbered makes every line of a text unique.
func numbered(text string) string {
	lines := splitLines(text)
	for i, line := range lines {
		lines[i] = fmt.Sprintf("%d: %s", i, line)
	}
	return strings.Join(lines, "")
}

// unsound checks what must hold of any merge: choosing one side everywhere loses
// nothing that only this side changed, and a file that only one side changed is that side.
func unsound(base, mine, fresh string, merged Merged) string {
	var disk strings.Builder
	for _, hunk := range merged {
		disk.WriteString(hunk.Disk)
	}
	if disk.String() != mine {
		return "the hunks do not add up to the file as it is"
	}
	for name, check := range map[string]struct {
		choice Choice
		same   Merged
	}{
		"mine":   {KeepMine, MergeText(base, mine, base)},
		"design": {TakeNew, MergeText(base, base, fresh)},
	} {
		if check.same.Conflicts() > 0 {
			return "a change of one side is a conflict: " + name
		}
		for _, line := range onlyIn(base, check.same.Text(nil)) {
			if !strings.Contains(merged.Text(choose(merged, check.choice)), line) {
				return fmt.Sprintf("%s: the line %q is lost", name, line)
			}
		}
	}
	return ""
}

// onlyIn lists the lines of a text that its base does not have.
func onlyIn(base, text string) []string {
	var lines []string
	for _, line := range splitLines(text) {
		if !strings.Contains(base, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func gitMerge(t *testing.T, folder, base, mine, fresh string) string {
	t.Helper()
	names := []string{"mine", "base", "fresh"}
	for i, text := range []string{mine, base, fresh} {
		names[i] = filepath.Join(folder, names[i])
		if err := os.WriteFile(names[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	arguments := append([]string{"merge-file", "-p", "-L", "yours", "-L", "base", "-L", "generated"}, names...)
	out, err := exec.Command("git", arguments...).Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() > 127) {
		t.Fatal(err)
	}
	return string(out)
}

var vocabulary = strings.Split("import os|def read(key):|    return key|    x = 1|}|{||# a comment|select 1;|replicas: 3|  name: a|  port: 8000", "|")

func randomText(random *rand.Rand) string {
	var text strings.Builder
	for line := range 5 + random.IntN(60) {
		text.WriteString(vocabulary[random.IntN(len(vocabulary))])
		if random.IntN(3) > 0 { // most lines of real files are unique
			fmt.Fprintf(&text, " %d", line)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// randomEdit inserts, removes and replaces runs of lines.
func randomEdit(random *rand.Rand, text string) string {
	lines := splitLines(text)
	for range random.IntN(4) {
		at := random.IntN(len(lines) + 1)
		end := min(len(lines), at+random.IntN(4))
		var fresh []string
		for range random.IntN(4) {
			fresh = append(fresh, fmt.Sprintf("%s %d\n", vocabulary[random.IntN(len(vocabulary))], random.IntN(1000)))
		}
		lines = append(append(append([]string{}, lines[:at]...), fresh...), lines[end:]...)
	}
	return strings.Join(lines, "")
}
