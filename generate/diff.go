package generate

import (
	"bytes"
	"cmp"
	"fmt"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// Diff is the change as a unified diff; empty where no byte changes. For a file
// that is kept although the design asks for other content, it is what taking
// that content would change.
func (c Change) Diff() string {
	after := c.After
	if c.Outdated {
		after = c.Artifact.Content
	}
	if bytes.Equal(c.Before, after) && c.State != Create && c.State != Delete {
		return ""
	}
	from, to := "a/"+cmp.Or(c.From, c.Path), "b/"+c.Path
	if c.State == Create && c.From == "" {
		from = "/dev/null"
	}
	if c.State == Delete {
		to = "/dev/null"
	}
	if !isText(c.Before) || !isText(after) {
		return fmt.Sprintf("Binary files %s and %s differ\n", from, to)
	}
	return udiff.Unified(from, to, string(c.Before), string(after))
}

func isText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsRune(content, 0)
}
