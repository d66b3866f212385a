// Command covering writes designs in which every value of every answer meets
// every value of every other at least once: a pairwise covering array.
//
//	covering -o DIR
//
// Each design is DIR/pair-NN/codex-design.yaml. What cannot be generated yet is
// left out, and joins by itself once its row of model's table is gone. The same
// program writes the same designs.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"codex-design/model"
)

func main() {
	out := flag.String("o", "", "folder for the designs; it must not exist, or be empty")
	flag.Parse()
	if err := write(*out); err != nil {
		fmt.Fprintln(os.Stderr, "covering:", err)
		os.Exit(1)
	}
}

func write(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !os.IsNotExist(err) || len(entries) > 0 {
		return fmt.Errorf("-o %q is no new or empty folder", out)
	}
	factors := factorsOf()
	rows, _ := cover(factors)
	for i, row := range rows {
		folder := filepath.Join(out, fmt.Sprintf("pair-%02d", i+1))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		answers := row.answers(factors)
		answers.Name = fmt.Sprintf("pair-%02d", i+1)
		answers.Description = row.describe(factors)
		if err := os.WriteFile(filepath.Join(folder, "codex-design.yaml"), model.Format(answers), 0o644); err != nil {
			return err
		}
	}
	return nil
}
