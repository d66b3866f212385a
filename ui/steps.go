package ui

import (
	"regexp"
	"strings"

	"codex-design/model"
	"codex-design/ui/layout"
)

// step is one stop of the wizard. The window, the line prompts and the rail are
// all made from this table.
type step struct {
	id, title, help string
	ask             func(d *design, at spot) []question // a form
	items           *items                              // a list
	owns            *regexp.Regexp                      // the paths of its answers
	shows           []string                            // files that the preview turns to: path endings, best first
	count           func(a *model.Answers) int          // shown in the rail
}

var steps = []step{
	{id: "project", title: "Project", help: "What is the system called?", ask: projectQuestions,
		owns: regexp.MustCompile(`^(name|description|version)?$`), shows: []string{"README.md"}},
	{id: "architecture", title: "Architecture", help: "How is it built?", ask: architectureQuestions,
		owns: regexp.MustCompile(`^architecture`), shows: []string{"architecture/diagrams/containers.md"}},
	{id: "scale", title: "Scale", help: "How much must it carry? Every number that is derived starts here.", ask: scaleQuestions,
		owns: regexp.MustCompile(`^(scale|load)`), shows: []string{"architecture/capacity.md"}},
	{id: "services", title: "Services", help: "Which services is it made of?", items: &serviceItems,
		owns:  regexp.MustCompile(`^services(\[\d+\](\.(name|was|description|cache|share|cqrs).*)?)?$`),
		count: func(a *model.Answers) int { return len(a.Services) }, shows: []string{"architecture/openapi/{service}.yaml"}},
	{id: "entities", title: "Entities", help: "What does each service keep?", items: &entityItems,
		owns:  regexp.MustCompile(`^services\[\d+\]\.entities(\[\d+\](\.(name|was|description|owned).*)?)?$`),
		count: func(a *model.Answers) int { return len(fieldItems.groups(a)) }, shows: []string{"architecture/openapi/{service}.yaml"}},
	{id: "fields", title: "Fields", help: "Besides id, created_at, updated_at and version, which it has by itself.", items: &fieldItems,
		owns: regexp.MustCompile(`\.fields`), count: countFields, shows: []string{"architecture/schema/{service}.sql"}},
	{id: "connections", title: "Connections", help: "What does each service call, publish and consume?", items: &connectionItems,
		owns:  regexp.MustCompile(`^services\[\d+\]\.(calls|publishes|consumes)`),
		count: countConnections, shows: []string{"architecture/diagrams/containers.md"}},
	{id: "datastores", title: "Datastores", help: "Where is the data kept?", ask: datastoreQuestions,
		owns: regexp.MustCompile(`^datastores`), shows: []string{"compose.yaml"}},
	{id: "security", title: "Security", help: "Who may do what?", ask: securityQuestions,
		owns: regexp.MustCompile(`^security`), shows: []string{"compose.yaml"}},
	{id: "delivery", title: "Delivery", help: "How does it reach its users?", ask: deliveryQuestions,
		owns: regexp.MustCompile(`^delivery`), shows: []string{"Makefile"}},
	{id: "review", title: "Review", help: "Every file, before anything is written."},
	{id: "commit", title: "Commit", help: "Write the system."},
}

// The steps that code names.
var (
	reviewStep = stepIndex("review")
	commitStep = stepIndex("commit")
)

func stepIndex(id string) int {
	for i, s := range steps {
		if s.id == id {
			return i
		}
	}
	return -1
}

// owner is the step that has the answer at that path.
func owner(path string) int {
	for i, s := range steps {
		if s.owns != nil && s.owns.MatchString(path) {
			return i
		}
	}
	return 0
}

func countFields(a *model.Answers) int {
	total := 0
	for _, at := range fieldItems.groups(a) {
		total += fieldItems.count(a, at)
	}
	return total
}

// belongs tells whether a problem at path is about the answer at key or a part of it.
func belongs(path, key string) bool {
	rest, ok := strings.CutPrefix(path, key)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// asks tells whether the step has answers of its own.
func (s step) asks() bool { return s.owns != nil }

// pane is where the focus starts on a step.
func (s step) pane() layout.Pane {
	if s.id == "review" {
		return layout.Tree
	}
	return layout.Form
}
