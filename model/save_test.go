package model

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func mustRead(t *testing.T, text string) *Document {
	t.Helper()
	doc, problems := Read([]byte(text))
	for _, p := range problems {
		t.Error(p.Text("codex-design.yaml"))
	}
	if len(problems) > 0 {
		t.Fatalf("the file cannot be read:\n%s", text)
	}
	return doc
}

func TestFormatReadsBackTheSame(t *testing.T) {
	for seed := range uint64(400) {
		a := newArbitrary(seed).answers()
		if problems := Check(a); len(problems) > 0 {
			t.Fatalf("seed %d: the arbitrary answers are wrong: %v", seed, problems)
		}
		text := Format(a)
		if got := mustRead(t, string(text)).Answers; !reflect.DeepEqual(got, a) {
			t.Fatalf("seed %d:\n got %+v\nwant %+v\n%s", seed, got, a, text)
		}
		if again := Format(mustRead(t, string(text)).Answers); !bytes.Equal(again, text) {
			t.Fatalf("seed %d: formatting again gives other bytes", seed)
		}
	}
}

func TestSaveWithoutChangeKeepsTheBytes(t *testing.T) {
	for seed := range uint64(200) {
		r := newArbitrary(seed)
		text := r.commented(Format(r.answers()))
		doc := mustRead(t, text)
		saved, err := doc.Save(doc.Answers)
		if err != nil || string(saved) != text {
			t.Fatalf("seed %d: %v\n%s", seed, err, saved)
		}
	}
}

// TestSaveKeepsWhatItDoesNotTouch edits commented files at random: the saved
// file reads as the edited answers, and a line is only gone if it spoke of
// something that the edit changed.
func TestSaveKeepsWhatItDoesNotTouch(t *testing.T) {
	for seed := range uint64(600) {
		r := newArbitrary(seed)
		text := r.commented(Format(r.answers()))
		doc := mustRead(t, text)
		edited := mustRead(t, text).Answers
		removed := 0
		for range 1 + r.IntN(3) {
			before := len(edited.Services)
			fields := fieldCount(edited)
			r.edit(&edited)
			if len(edited.Services) < before || fieldCount(edited) < fields {
				removed++
			}
		}
		if len(Check(edited)) > 0 {
			continue // for example, a call to a service that is gone
		}
		saved, err := doc.Save(edited)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, text, Format(edited))
		}
		if got := mustRead(t, string(saved)).Answers; !reflect.DeepEqual(valueOf(reflect.ValueOf(got)), valueOf(reflect.ValueOf(edited))) {
			t.Fatalf("seed %d: saved another design:\n%s", seed, saved)
		}
		if removed > 0 {
			continue
		}
		for _, comment := range comments(text) {
			if comment != "" && !strings.Contains(string(saved), comment) && !aboutEmptied(text, comment) {
				t.Fatalf("seed %d: the comment %q is lost\nbefore:\n%s\nafter:\n%s", seed, comment, text, saved)
			}
		}
	}
}

func fieldCount(a Answers) int {
	n := 0
	for _, s := range a.Services {
		for _, e := range s.Entities {
			n += len(e.Fields)
		}
	}
	return n
}

// comments lists the numbered comments of a file.
func comments(text string) []string {
	var found []string
	for _, line := range strings.Split(text, "\n") {
		for _, mark := range []string{"# above ", "# apart ", "# behind "} {
			if i := strings.Index(line, mark); i >= 0 {
				found = append(found, line[i:])
			}
		}
	}
	return found
}

// aboutEmptied reports whether the comment speaks of a key that an edit may drop:
// one that is left out where it says nothing.
func aboutEmptied(text, comment string) bool {
	i := strings.Index(text, comment)
	rest := text[i:]
	if strings.HasPrefix(comment, "# above ") || strings.HasPrefix(comment, "# apart ") {
		_, rest, _ = strings.Cut(rest, "\n")
	} else {
		rest = text[strings.LastIndex(text[:i], "\n")+1:]
	}
	key, _, _ := strings.Cut(strings.TrimLeft(rest, " -\n"), ":")
	for _, optional := range []string{"description", "cache", "calls", "share", "was", "cors", "load", "peak_rps", "read_share", "log_days"} {
		if key == optional {
			return true
		}
	}
	return false
}
