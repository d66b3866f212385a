// Command consumers hands files to the programs' own libraries that read them in
// real life, and prints one JSON line for each file: {"file": …, "error": …},
// with an empty error for a file that was accepted.
//
// usage: consumers compose|openapi FILE...
//
//	consumers schema SCHEMA FILE...
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

type verdict struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "consumers:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: consumers compose|openapi FILE... or consumers schema SCHEMA FILE")
	}
	kind, files := args[0], args[1:]
	var accept func(string) error
	switch kind {
	case "compose":
		accept = compose
	case "openapi":
		accept = openapi
	case "schema":
		schema, err := jsonschema.NewCompiler().Compile(files[0])
		if err != nil {
			return err
		}
		files = files[1:]
		accept = func(file string) error { return conforms(schema, file) }
	default:
		return fmt.Errorf("unknown consumer %q", kind)
	}
	out := json.NewEncoder(os.Stdout)
	for _, file := range files {
		result := verdict{File: file}
		if err := accept(file); err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

// compose loads a file as `docker compose config` does.
func compose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(filepath.Dir(file)))
	if err != nil {
		return err
	}
	_, err = options.LoadProject(context.Background())
	return err
}

// openapi resolves every reference and validates against the OpenAPI schema.
func openapi(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	quiet := datamodel.NewDocumentConfiguration()
	quiet.Logger = slog.New(slog.DiscardHandler)
	document, err := libopenapi.NewDocumentWithConfiguration(content, quiet)
	if err != nil {
		return err
	}
	if _, err := document.BuildV3Model(); err != nil {
		return err
	}
	checker, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if _, problems := checker.ValidateDocument(); len(problems) > 0 {
		return fmt.Errorf("%s: %s (%v)", problems[0].Message, problems[0].Reason, problems[0].SchemaValidationErrors)
	}
	return nil
}

// conforms checks a YAML file against a JSON Schema.
func conforms(schema *jsonschema.Schema, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var value any
	if err := yaml.Unmarshal(content, &value); err != nil {
		return err
	}
	return schema.Validate(value)
}
