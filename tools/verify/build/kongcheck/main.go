// Command kongcheck reads Kong's declarative files as `deck file validate` does, with decK's own
// library: the JSON schema, the defaults and the references between entities. It prints one JSON
// line for each file: {"file": …, "error": …}, with an empty error for one that was accepted.
//
// usage: kongcheck FILE...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/blang/semver/v4"
	"github.com/kong/go-database-reconciler/pkg/dump"
	"github.com/kong/go-database-reconciler/pkg/file"
	"github.com/kong/go-database-reconciler/pkg/state"
)

// The last release that is free software.
var kong = semver.MustParse("3.9.0")

type verdict struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, name := range os.Args[1:] {
		result := verdict{File: name}
		if err := check(name); err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			fmt.Fprintln(os.Stderr, "kongcheck:", err)
			os.Exit(2)
		}
	}
}

// check builds the state that Kong would be brought to; nothing is there before.
func check(name string) error {
	content, err := file.GetContentFromFiles([]string{name}, false)
	if err != nil {
		return err
	}
	nothing, err := state.NewKongState()
	if err != nil {
		return err
	}
	render := file.RenderConfig{CurrentState: nothing, KongVersion: kong}
	entities, err := file.Get(context.Background(), content, render, dump.Config{}, nil)
	if err != nil {
		return err
	}
	_, err = state.Get(entities)
	return err
}
