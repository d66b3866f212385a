package model

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestFieldsReadBackTheSame(t *testing.T) {
	for _, spec := range fieldTexts {
		f, err := ParseField("x: " + spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		again, err := ParseField(f.String())
		if err != nil || !reflect.DeepEqual(f, again) {
			t.Errorf("%s gives %s, which reads as %+v (%v)", spec, f, again, err)
		}
	}
}

func TestFieldIsWrittenCanonically(t *testing.T) {
	cases := map[string]string{
		"title:string( 200 )   unique required": "title: string(200) required unique",
		"price: decimal(12, 2) min( 0 )":        "price: decimal(12,2) min(0)",
		"status: enum(a,b) default(\"a\")":      "status: enum(a, b) default(a)",
		"to: ref( user.user ) was(of)":          "to: ref(user.user) was(of)",
		`note: text default(" a ")`:             `note: text default(" a ")`,
		`note: text default("a)b\"c\\")`:        `note: text default("a)b\"c\\")`,
		`code: string(9) pattern(^(a|[)(])\)$)`: `code: string(9) pattern(^(a|[)(])\)$)`,
	}
	for text, want := range cases {
		f, err := ParseField(text)
		if err != nil || f.String() != want {
			t.Errorf("%s gives %s (%v), want %s", text, f, err, want)
		}
	}
}

func TestEveryExampleOfTheGrammarParses(t *testing.T) {
	for _, kind := range FieldKinds() {
		if parsed, err := ParseType(kind.Value); err != nil || string(parsed.Kind) != kind.Label {
			t.Errorf("%s: %v", kind.Value, err)
		}
		for _, m := range FieldModifiers(Kind(kind.Label)) {
			if strings.Contains("default fill min max", m.Label) {
				continue // their examples are of a number
			}
			if _, err := ParseField("x: " + kind.Value + " " + m.Value); err != nil {
				t.Errorf("%s %s: %v", kind.Value, m.Value, err)
			}
		}
	}
	if _, err := ParseType("int required"); err == nil {
		t.Error("a type with a modifier was read as a type")
	}
}

func TestFieldErrorsSayWhere(t *testing.T) {
	_, err := ParseField("Größe: strin(3) requird min(")
	errs, ok := err.(FieldErrors)
	if !ok || len(errs) != 4 {
		t.Fatalf("want four errors, got %v", err)
	}
	for i, want := range []int{1, 8, 17, 28} {
		if errs[i].Column != want {
			t.Errorf("error %d (%s) is at column %d, want %d", i, errs[i].Message, errs[i].Column, want)
		}
	}
}

func FuzzParseField(f *testing.F) {
	for _, spec := range fieldTexts {
		f.Add("x: " + spec)
	}
	f.Add("a: b(((")
	f.Add(`a: text default("`)
	f.Add(`a: string(3) pattern([`)
	f.Fuzz(func(t *testing.T, text string) {
		field, err := ParseField(text)
		if err != nil {
			for _, e := range err.(FieldErrors) {
				if e.Column < 1 || e.Column > len([]rune(text))+1 || e.Message == "" {
					t.Errorf("%q: an error outside of the text: %+v", text, e)
				}
			}
			return
		}
		again, err := ParseField(field.String())
		if err != nil || !reflect.DeepEqual(field, again) {
			t.Errorf("%q gives %q, which reads as %+v (%v)", text, field.String(), again, err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(handWritten))
	for _, example := range Examples() {
		f.Add(example.Source)
	}
	f.Add([]byte("a:\n  - b: 'x\n  y'\n  - {c: \"\\u00e9\"}\n? d\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, problems := Read(data)
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Line > 0 && p.Column < 1 || strings.ContainsAny(p.Text("f"), "\x00\x1b") {
				t.Errorf("a bad problem: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		if again, problems := Read(Format(doc.Answers)); len(problems) > 0 || !reflect.DeepEqual(valueOf(reflect.ValueOf(again.Answers)), valueOf(reflect.ValueOf(doc.Answers))) {
			t.Errorf("formatted, it reads differently: %v\n%s", problems, Format(doc.Answers))
		}
		changed := doc.Answers
		changed.Description = "changed"
		if _, err := doc.Save(changed); err != nil {
			t.Errorf("%v: %q", err, data)
		}
	})
}

// TestPatternsAreAcceptedByPython composes patterns at random: those that are
// accepted here must compile in Go, whose syntax is pydantic's, and in Python.
func TestPatternsAreAcceptedByPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is needed to check patterns against its re module")
	}
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "Z", "0", "é", "[a-z]", "[^a-z0-9]", "[-a]", "[a-]", `[\]\-\\^]`, "(", ")", "(?:", "|", "*", "+", "?",
		"{2}", "{1,3}", "{2,}", "^", "$", ".", `\.`, `\(`, `\{`, "-", " ", "/", "'", `"`, "[", "]", "{", "&&", "(?=", `\d`}
	var accepted []string
	for len(accepted) < 2000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		if _, message, _ := checkPattern(b.String()); message == "" {
			accepted = append(accepted, b.String())
		}
	}
	for _, pattern := range accepted {
		if _, err := regexp.Compile(pattern); err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	check := exec.Command(python, "-W", "error", "-c", "import re, sys\nfor line in sys.stdin.read().splitlines(): re.compile(line)")
	check.Stdin = strings.NewReader(strings.Join(accepted, "\n"))
	check.Env = append(os.Environ(), "PYTHONUTF8=1")
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("Python refuses one of the patterns: %s", output)
	}
}

func TestUnavailableChoicesAreListedWithTheirReason(t *testing.T) {
	for path, values := range notYet {
		for value, reason := range values {
			if value == anyValue {
				if Unavailable(path) != reason {
					t.Errorf("%s: its reason is not given", path)
				}
				continue
			}
			found := false
			for _, choice := range Choices(path) {
				found = found || choice.Value == value && choice.Unavailable == reason
			}
			if !found || reason == "" {
				t.Errorf("%s=%s is no choice, or has no reason", path, value)
			}
		}
	}
}

func TestEveryAnswerHasItsKey(t *testing.T) {
	seen := map[string]bool{}
	var walk func(t reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		if path != "" && !strings.HasSuffix(path, "[]") {
			seen[path] = true
			if key, ok := KeyAt(path); !ok || key.Title == "" || key.Help == "" {
				t.Errorf("%s is described by no key", path)
			}
		}
		switch {
		case typ.Kind() == reflect.Slice:
			walk(typ.Elem(), path+"[]")
		case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[Field]():
			for _, m := range members(typ) {
				walk(typ.Field(m.index).Type, join(path, m.name))
			}
		}
	}
	walk(reflect.TypeFor[Answers](), "")
	for _, key := range Keys() {
		if !seen[key.Path] {
			t.Errorf("the key %s describes no answer", key.Path)
		}
	}
}
