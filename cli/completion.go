package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"codex-design/model"
)

// completeChoices teaches the shell what may follow each flag.
func completeChoices(command *cobra.Command) {
	completeFlag(command, "type", func() []string { return described("architecture", "") })
	completeFlag(command, "scale", func() []string { return described("scale", "") })
	completeFlag(command, "example", exampleNames)
	completeFlag(command, "set", settable)
	completeFlag(command, "format", fixed("text", "json"))
	completeFlag(command, "on-conflict", fixed(conflictWords...))
	completeFlag(command, "theme", fixed("light", "dark", "auto"))
	for _, flag := range []string{"out", "templates"} {
		if err := command.MarkFlagDirname(flag); err != nil {
			panic(err)
		}
	}
}

func completeFlag(command *cobra.Command, flag string, list func() []string) {
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list(), cobra.ShellCompDirectiveNoFileComp
	}
	if err := command.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag that does not exist: a mistake of ours
	}
}

func fixed(list ...string) func() []string { return func() []string { return list } }

// described lists the values of a closed question after a prefix, each with its meaning.
func described(key, prefix string) []string {
	var list []string
	for _, choice := range model.Choices(key) {
		list = append(list, prefix+choice.Value+"\t"+choice.Detail)
	}
	return list
}

func exampleNames() []string {
	var names []string
	for _, example := range model.Examples() {
		names = append(names, example.Name+"\t"+example.Title)
	}
	return names
}

// settable lists KEY= for each open question and KEY=VALUE for each closed one.
func settable() []string {
	var list []string
	for _, key := range model.Keys() {
		if key.Path == "version" || strings.Contains(key.Path, "[]") {
			continue
		}
		if len(key.Choices) == 0 {
			list = append(list, key.Path+"=\t"+key.Help)
		}
		list = append(list, described(key.Path, key.Path+"=")...)
	}
	return list
}
