package generate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// pythonWidth is the line length that the generated tree's formatter enforces.
const pythonWidth = 100

// expression is a piece of Python that, where it is too long for its line, is
// written with one item per line, as ruff format does.
type expression struct {
	head, tail string
	items      []expression
}

func atom(text string) expression { return expression{head: text} }

func atoms(texts ...string) []expression {
	items := make([]expression, len(texts))
	for i, text := range texts {
		items[i] = atom(text)
	}
	return items
}

func subscript(name string, items ...expression) expression {
	return expression{head: name + "[", tail: "]", items: items}
}

func call(name string, items ...expression) expression {
	return expression{head: name + "(", tail: ")", items: items}
}

func (e expression) String() string {
	parts := make([]string, len(e.items))
	for i, item := range e.items {
		parts[i] = item.String()
	}
	return e.head + strings.Join(parts, ", ") + e.tail
}

// layout writes the expression after prefix, with indent as the margin of its
// lines and room for the suffix at its end.
func (e expression) layout(indent, prefix, suffix string) string {
	line := indent + prefix + e.String() + suffix
	if len([]rune(line)) <= pythonWidth || len(e.items) == 0 {
		return line
	}
	var b strings.Builder
	b.WriteString(indent + prefix + e.head + "\n")
	for _, item := range e.items {
		b.WriteString(item.layout(indent+"    ", "", ",") + "\n")
	}
	b.WriteString(indent + e.tail + suffix)
	return b.String()
}

// pythonImports collects the names that a module imports.
type pythonImports map[string][]string

// add records that module is asked for name; an empty name imports the module itself.
func (p pythonImports) add(module, name string) {
	if !slices.Contains(p[module], name) {
		p[module] = append(p[module], name)
	}
}

// importSections are the groups of an import block, in their order.
var importSections = []func(module, first string) bool{
	func(module, _ string) bool { return standardModules[topModule(module)] },
	func(module, first string) bool { return topModule(module) != "kit" && topModule(module) != first },
	func(string, string) bool { return true },
}

var standardModules = map[string]bool{
	"argparse": true, "contextlib": true, "json": true, "http": true, "importlib": true, "signal": true, "subprocess": true, "time": true, "urllib": true,
	"asyncio": true, "os": true, "sys": true, "collections": true, "dataclasses": true, "datetime": true, "decimal": true, "pathlib": true, "typing": true, "uuid": true,
}

func topModule(module string) string { return strings.SplitN(module, ".", 2)[0] }

// block writes the imports as ruff sorts them; first is the service's own package.
func (p pythonImports) block(first string) string {
	modules := make([]string, 0, len(p))
	for module := range p {
		modules = append(modules, module)
	}
	slices.Sort(modules)
	var sections []string
	for _, belongs := range importSections {
		var lines []string
		modules = slices.DeleteFunc(modules, func(module string) bool {
			if !belongs(module, first) {
				return false
			}
			lines = append(lines, importLine(module, p[module]))
			return true
		})
		if len(lines) > 0 {
			slices.SortStableFunc(lines, plainFirst)
			sections = append(sections, strings.Join(lines, "\n"))
		}
	}
	return strings.Join(sections, "\n\n")
}

// plainFirst puts import statements before from-import statements.
func plainFirst(a, b string) int {
	return strings.Compare(strings.SplitN(b, " ", 2)[0], strings.SplitN(a, " ", 2)[0])
}

func importLine(module string, names []string) string {
	if slices.Equal(names, []string{""}) {
		return "import " + module
	}
	slices.SortFunc(names, compareImported)
	if last := len(names) - 1; last > 0 && strings.Contains(names[last], " as ") { // takes a line of its own
		return importLine(module, names[:last]) + "\n" + importLine(module, names[last:])
	}
	line := "from " + module + " import " + strings.Join(names, ", ")
	if len(line) <= pythonWidth {
		return line
	}
	return "from " + module + " import (\n    " + strings.Join(names, ",\n    ") + ",\n)"
}

// compareImported orders names as isort does: CONSTANTS, then Classes, then functions.
func compareImported(a, b string) int {
	if byKind := importRank(a) - importRank(b); byKind != 0 {
		return byKind
	}
	return naturalCompare(a, b)
}

func importRank(name string) int {
	switch {
	case len(name) > 1 && name == strings.ToUpper(name):
		return 0
	case name[0] >= 'A' && name[0] <= 'Z':
		return 1
	}
	return 2
}

var numbers = regexp.MustCompile(`\d+`)

// naturalCompare orders item2 before item10.
func naturalCompare(a, b string) int {
	pad := func(digits string) string { return fmt.Sprintf("%020s", digits) }
	return strings.Compare(numbers.ReplaceAllStringFunc(a, pad), numbers.ReplaceAllStringFunc(b, pad))
}

// pythonString writes text as a literal, with the quotes that ruff format prefers.
func pythonString(text string) string {
	mark := `"`
	if strings.Count(text, `"`) > strings.Count(text, `'`) {
		mark = `'`
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\' || string(r) == mark:
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return mark + b.String() + mark
}

// pythonPattern writes a regular expression as a raw literal where one can hold it.
func pythonPattern(pattern string) string {
	if !strings.Contains(pattern, `\`) || strings.ContainsAny(pattern, "\"\n") || strings.HasSuffix(pattern, `\`) {
		return pythonString(pattern)
	}
	return `r"` + pattern + `"`
}

// docstring writes text as a docstring of one line, which ends in a full stop.
func docstring(text string) string {
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), `"""`, `'''`)
	if text != "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "!") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	raw := ""
	if strings.Contains(text, `\`) {
		raw = "r"
	}
	return raw + `"""` + text + `"""`
}
