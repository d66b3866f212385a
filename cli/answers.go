package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"codex-design/generate"
	"codex-design/model"
)

// source is where a design starts from.
type source struct {
	file     string          // as the user would write it; empty without a file
	basis    []byte          // content of that file
	document *model.Document // of the file or of an example; nil for a blank design
	answers  model.Answers
	given    bool // there is a file, an example or a flag that says something
}

// label names the answers in messages.
func (s source) label() string {
	if s.file != "" {
		return s.file
	}
	return "answers"
}

// text is the answers file as it will be saved.
func (s source) text() ([]byte, error) {
	if s.document != nil {
		return s.document.Save(s.answers)
	}
	return model.Format(s.answers), nil
}

// findAnswers returns the answers file that an argument means: the file itself or
// the one in that directory.
func findAnswers(argument string) (string, error) {
	info, err := os.Stat(argument)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage("there is no file %s", argument)
	}
	if err != nil {
		return "", usage("%s", err)
	}
	if !info.IsDir() {
		return argument, nil
	}
	inside := filepath.Join(argument, generate.AnswersPath)
	if _, err := os.Stat(inside); err != nil {
		return "", usage("there is no %s in the directory %s", generate.AnswersPath, argument)
	}
	return inside, nil
}

// maxAnswersBytes is far beyond what a person would write and small enough to read at once.
const maxAnswersBytes = 4 << 20

// openAnswers reads an answers file; its problems are returned with the source.
func openAnswers(file string) (source, []model.Problem, error) {
	info, err := os.Stat(file)
	if err != nil {
		return source{}, nil, usage("%s", err)
	}
	if info.Size() > maxAnswersBytes {
		return source{}, nil, usage("%s has %d bytes; an answers file has at most %d", file, info.Size(), maxAnswersBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return source{}, nil, usage("%s", err)
	}
	document, problems := model.Read(data)
	opened := source{file: file, basis: data, document: document, given: true}
	if document != nil {
		opened.answers = document.Answers
	}
	return opened, problems, nil
}

// readAnswers reads an answers file that must be free of problems.
func readAnswers(file string) (source, error) {
	opened, problems, err := openAnswers(file)
	if err == nil && len(problems) > 0 {
		err = problemsError{file, problems}
	}
	return opened, err
}

// exampleSource starts from a ready-made design, with the comments in its text.
func exampleSource(name string) (source, error) {
	var names []string
	for _, example := range model.Examples() {
		if example.Name == name {
			document, problems := model.Read(example.Source)
			if len(problems) > 0 {
				return source{}, problemsError{"example " + name, problems}
			}
			return source{document: document, answers: document.Answers, given: true}, nil
		}
		names = append(names, example.Name)
	}
	return source{}, usage("there is no example %q; there are %s", name, strings.Join(names, ", "))
}

// startFrom chooses what a design starts from: an example, the named file, the
// answers file of the current directory, or nothing.
func startFrom(args []string, example string) (source, error) {
	switch {
	case example != "" && len(args) > 0:
		return source{}, usage("--example starts a new design and %s is a saved one: give one of the two", args[0])
	case example != "":
		return exampleSource(example)
	case len(args) > 0:
		file, err := findAnswers(args[0])
		if err != nil {
			return source{}, err
		}
		return readAnswers(file)
	}
	if _, err := os.Stat(generate.AnswersPath); err == nil {
		return readAnswers(generate.AnswersPath)
	}
	return source{answers: model.Defaults()}, nil
}

// setting is one answer from the command line.
type setting struct{ flag, key, value string }

// apply puts answers from the command line over those of the source. All that
// are wrong are reported at once.
func (s *source) apply(settings []setting) error {
	var wrong []string
	for _, set := range settings {
		if err := model.Set(&s.answers, set.key, set.value); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s", set.flag, set.value, err))
		}
		s.given = true
	}
	if len(wrong) > 0 {
		return usage("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// borrowServices gives a design without services those of the first example and
// returns that example's name, empty if nothing was borrowed.
func (s *source) borrowServices() string {
	if len(s.answers.Services) > 0 {
		return ""
	}
	example := model.Examples()[0]
	s.answers.Services = example.Answers.Services
	return example.Name
}
