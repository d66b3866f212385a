package generate

import (
	"fmt"
	"strconv"
	"strings"
)

// The documents that are built here rather than written as templates (OpenAPI)
// are trees of these. A general marshaller took most of the time of a render
// and could not choose between block and flow style, so they have a writer of
// their own; a test reads its output back with a YAML library.
type (
	yamlMap   []yamlItem
	yamlList  []any
	yamlFlow  []any  // a list on one line
	yamlBlock string // text over several lines
	yamlItem  struct {
		Key   string
		Value any
	}
)

// with returns the map with one more entry.
func (m yamlMap) with(key string, value any) yamlMap {
	return append(m, yamlItem{key, value})
}

// yamlDocument is the tree as YAML text, in the order in which it was built.
func yamlDocument(root yamlMap) string {
	w := &yamlWriter{}
	w.entries(root, 0)
	return w.String()
}

type yamlWriter struct{ strings.Builder }

func (w *yamlWriter) indent(depth int) {
	for range depth {
		w.WriteString("  ")
	}
}

func (w *yamlWriter) entries(m yamlMap, depth int) {
	for i, item := range m {
		if i > 0 {
			w.indent(depth)
		}
		w.WriteString(yamlScalar(item.Key) + ":")
		w.value(item.Value, depth)
	}
}

// value writes what follows a key or a dash, up to the end of its last line.
func (w *yamlWriter) value(value any, depth int) {
	switch v := value.(type) {
	case yamlMap:
		if len(v) == 0 {
			w.WriteString(" {}\n")
			return
		}
		w.WriteString("\n")
		w.indent(depth + 1)
		w.entries(v, depth+1)
	case yamlList:
		w.list(v, depth+1)
	case yamlFlow:
		w.WriteString(" [" + yamlFlowItems(v) + "]\n")
	case yamlBlock:
		w.WriteString(" |\n")
		for _, line := range strings.Split(strings.TrimSpace(string(v)), "\n") {
			if line != "" {
				w.indent(depth + 1)
			}
			w.WriteString(line + "\n")
		}
	default:
		w.WriteString(" " + yamlScalar(v) + "\n")
	}
}

func (w *yamlWriter) list(items yamlList, depth int) {
	if len(items) == 0 {
		w.WriteString(" []\n")
		return
	}
	w.WriteString("\n")
	for _, item := range items {
		w.indent(depth)
		w.WriteString("-")
		if m, ok := item.(yamlMap); ok && len(m) > 0 {
			w.WriteString(" ")
			w.entries(m, depth+1)
			continue
		}
		w.value(item, depth)
	}
}

func yamlFlowItems(items yamlFlow) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = yamlScalar(item)
		if s, ok := item.(string); ok && strings.ContainsAny(s, ",[]{}") {
			texts[i] = yamlQuoted(s)
		}
	}
	return strings.Join(texts, ", ")
}

// yamlScalar writes one value. Text stays plain only where no YAML reader, 1.1
// or 1.2, could take it for something else; Go's quoted form is also YAML's.
func yamlScalar(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		if yamlPlain(v) {
			return v
		}
		return yamlQuoted(v)
	case float64:
		return yamlNumber(v)
	default:
		return fmt.Sprint(v)
	}
}

// yamlQuoted prefers single quotes where double ones would need backslashes, as in patterns.
func yamlQuoted(s string) string {
	quoted := strconv.Quote(s)
	if len(quoted) == len(s)+2 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return quoted
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// yamlNumber writes a number without an exponent.
func yamlNumber(v float64) string {
	return strconv.FormatFloat(v, 'f', -1, 64)
}

var yamlReserved = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "y": true, "n": true,
}

func yamlPlain(s string) bool {
	if s == "" || !isASCIILetter(s[0]) && s[0] != '/' && s[0] != '$' || s[len(s)-1] == ' ' || yamlReserved[strings.ToLower(s)] {
		return false
	}
	for i := range len(s) {
		if !isASCIILetter(s[i]) && !strings.ContainsRune("0123456789 _-./(){},;'+$", rune(s[i])) {
			return false
		}
	}
	return true
}

func isASCIILetter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z'
}
