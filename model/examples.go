package model

import (
	"embed"
	"fmt"
)

// Example is a ready-made design to start from.
type Example struct {
	Name    string // of --example: shop
	Title   string // Online shop
	Answers Answers
	Source  []byte // the answers file with its comments
}

//go:embed examples/*.yaml
var exampleFiles embed.FS

var exampleNames = []string{"shop", "clinic", "tickets", "chat", "users"}

// Examples reads the ready-made designs, the broadest first.
func Examples() []Example {
	examples := make([]Example, len(exampleNames))
	for i, name := range exampleNames {
		text, err := exampleFiles.ReadFile("examples/" + name + ".yaml")
		if err != nil {
			panic(err) // it is part of the program
		}
		doc, problems := Read(text)
		if len(problems) > 0 {
			panic(fmt.Sprintf("the example %s: %s", name, problems[0].Message))
		}
		examples[i] = Example{Name: name, Title: doc.Answers.Description, Answers: doc.Answers, Source: text}
	}
	return examples
}
