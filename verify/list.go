package verify

import (
	"context"
	"strings"
)

// Row is one row of the table as it is shown.
type Row struct {
	Consumer string   `json:"consumer"`
	Reads    []string `json:"reads"`
	Not      []string `json:"not,omitempty"`
	Command  string   `json:"command"`
	Program  string   `json:"program,omitempty"` // where it is installed
	Missing  string   `json:"missing,omitempty"` // or what is missing
	Get      string   `json:"get"`
}

// List shows the table, and what of it is installed.
func List(ctx context.Context, options Options) ([]Row, error) {
	chosen, err := choose(options)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(chosen))
	r := &run{options: options}
	for _, c := range chosen {
		found, missing := r.find(ctx, &c)
		row := Row{Consumer: c.Name, Reads: c.Reads, Not: c.Not, Command: c.commandLine(), Missing: missing, Get: c.Get}
		if missing == "" {
			row.Program = found.program
		}
		rows = append(rows, row)
	}
	return rows, ctx.Err()
}

// commandLine shows what is run, with words in capitals for what a call fills in.
func (c *Consumer) commandLine() string {
	var parts []string
	if c.Before != nil {
		parts = append(parts, shown(c.Before)+" && ")
	}
	if c.Feed != nil {
		parts = append(parts, shown(c.Feed)+" | ")
	}
	first := c.Programs[0]
	words := append(append([]string{first.Name}, first.Args...), c.Args...)
	return strings.Join(append(parts, shown(words)), "")
}

var placeholders = strings.NewReplacer(
	"{files}", "FILES", "{file}", "FILE", "{folder}", "FOLDER", "{scratch}", "TEMPORARY", "{context}", "CONTEXT",
)

func shown(words []string) string {
	var line []string
	for _, word := range words {
		switch {
		case strings.Contains(word, "\n"):
			word = "PROGRAM"
		case word == "{program}":
			word = "python"
		}
		line = append(line, placeholders.Replace(word))
	}
	return strings.Join(line, " ")
}
