package generate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"
)

// Templates is a parsed template tree, ready to render any number of systems.
//
// A file's place in the tree is its place in the generated system, except that
// {service}, {package}, {deployable} and {entity} stand for the DNS name of a service, its
// Python package and the module of an entity, {app} for the package of a monolith's
// process, and {environment} for the name of
// an environment: such a file is made once for each of them. {published} stands
// for the name of an event that a service publishes, {consumed} for the module of
// one that it consumes; the dot of both is an *EventView. A file named *.tmpl
// is rendered by text/template between <% and %> and loses that suffix; its dot
// is an *EntityView below {entity}, else a *ServiceView below {service} or
// {package}, an *EnvironmentView below {environment}, else the *SystemView. Every
// other file is copied as it is.
type Templates struct{ files []templateFile }

type templateFile struct {
	source string             // path below templates/
	target string             // path in the generated tree, with placeholders
	text   *template.Template // nil: content is copied
	static []byte
	rule   rule
}

// functions are all that a template can call besides methods of its view and
// the builtins of text/template.
var functions = template.FuncMap{
	"join":   func(separator string, list []string) string { return strings.Join(list, separator) },
	"lower":  strings.ToLower,
	"upper":  strings.ToUpper,
	"indent": indent,
	"quote":  quote,
	"topics": topicLines,
	"wrap":   wrap,
}

// indent puts n blanks before each line but the first and the empty ones.
func indent(n int, text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines[1:] {
		if lines[i+1] != "" {
			lines[i+1] = strings.Repeat(" ", n) + lines[i+1]
		}
	}
	return strings.Join(lines, "\n")
}

// quote writes a double-quoted string that JSON, YAML, TOML and Python read alike.
func quote(text string) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// wrap breaks text at blanks so that no line is longer than width where that is possible.
func wrap(width int, text string) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		size := len([]rune(word))
		switch {
		case i == 0:
		case column+1+size > width:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += size
	}
	return out.String()
}

// LoadTemplates reads and parses a template tree once. Errors name the template and the line.
func LoadTemplates(tree fs.FS) (*Templates, error) {
	templates := &Templates{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("templates: %w", err)
		case isJunk(entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case isJunk(entry.Name()) || entry.IsDir():
			return nil
		}
		file, err := loadTemplate(tree, name)
		templates.files = append(templates.files, file)
		return err
	})
	if err != nil {
		return nil, err
	}
	return templates, nil
}

func loadTemplate(tree fs.FS, name string) (templateFile, error) {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return templateFile{}, fmt.Errorf("templates: %w", err)
	}
	target, isTemplate := strings.CutSuffix(name, ".tmpl")
	file := templateFile{source: name, target: target, rule: ruleFor(target)}
	if bytes.HasPrefix(content, []byte("#!")) {
		file.rule.mode = 0o755
	}
	if !isTemplate {
		file.static = content
		return file, nil
	}
	file.text, err = template.New(name).Delims("<%", "%>").Option("missingkey=error").Funcs(functions).Parse(string(content))
	return file, err
}

// Entry is one file that a system consists of, not yet rendered.
type Entry struct {
	Path     string
	Mode     fs.FileMode
	Kind     string
	Owner    Owner
	Template string

	file *templateFile
	dot  any
	done []byte // content that needs no template

	notes []string
}

// Render makes every file of a system, sorted by path. Content that several
// files share is shared: do not write to it.
func Render(system *SystemView, history History, templates *Templates) ([]Artifact, error) {
	entries, err := Outline(system, history, templates)
	if err != nil {
		return nil, err
	}
	artifacts := make([]Artifact, len(entries))
	return artifacts, inParallel(len(entries), func(i int) (err error) {
		artifacts[i], err = entries[i].Render()
		return err
	})
}

// Outline lists every file of a system, sorted by path, without rendering any.
func Outline(system *SystemView, history History, templates *Templates) ([]Entry, error) {
	system = system.after(history)
	var entries []Entry
	for i := range templates.files {
		entries = append(entries, templates.files[i].entries(system)...)
	}
	entries = withHistory(entries, system, history)
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	for i, entry := range entries {
		if _, err := ParsePath(entry.Path); err != nil {
			return nil, fmt.Errorf("templates/%s: %w", entry.Template, err)
		}
		if i > 0 && entries[i-1].Path == entry.Path {
			return nil, fmt.Errorf("templates/%s and templates/%s both make %s", entries[i-1].Template, entry.Template, entry.Path)
		}
	}
	return entries, nil
}

// Render makes the file of an entry. Errors name the template and the line.
func (e Entry) Render() (Artifact, error) {
	artifact := Artifact{
		Path: e.Path, Content: e.done, Mode: e.Mode, Kind: e.Kind, Owner: e.Owner, Template: e.Template, Notes: e.notes,
		former: e.formerPaths(),
	}
	if e.done != nil {
		return artifact, nil
	}
	if e.file.text == nil {
		artifact.Content = e.file.static
		if system, ok := e.dot.(*SystemView); ok && e.file.rule.prune != nil {
			artifact.Content = e.file.rule.prune(artifact.Content, system)
		}
		return artifact, nil
	}
	var out bytes.Buffer
	if err := e.file.text.Execute(&out, e.dot); err != nil {
		return Artifact{}, fmt.Errorf("%s: %w", e.Path, err)
	}
	artifact.Content = out.Bytes()
	return artifact, nil
}

// entries multiplies a template over what its path names.
func (f *templateFile) entries(system *SystemView) []Entry {
	if f.rule.asked != nil && !f.rule.asked(system) || !f.rule.belongs(system) {
		return nil
	}
	if strings.Contains(f.target, "{environment}") {
		return f.perEnvironment(system)
	}
	if strings.Contains(f.target, "{published}") {
		return f.perPublished(system)
	}
	if strings.Contains(f.target, "{deployable}") {
		return f.perDeployable(system)
	}
	perEntity := strings.Contains(f.target, "{entity}")
	perConsumed := strings.Contains(f.target, "{consumed}")
	perService := perEntity || perConsumed || strings.Contains(f.target, "{service}") || strings.Contains(f.target, "{package}")
	if !perService {
		return []Entry{f.entry(shapeNames(system).Replace(f.target), system)}
	}
	var entries []Entry
	for i := range system.Services {
		service := &system.Services[i]
		if f.rule.when != nil && !f.rule.when(service) {
			continue
		}
		target := strings.NewReplacer("{service}", service.Name, "{package}", service.Package).Replace(f.target)
		if strings.Contains(f.target, "{callee}") {
			for _, callee := range service.Clients() {
				entries = append(entries, f.entry(strings.ReplaceAll(target, "{callee}", callee.Module()), callee))
			}
			continue
		}
		if perConsumed {
			for j := range service.Consumed {
				event := &service.Consumed[j]
				entries = append(entries, f.entry(strings.ReplaceAll(target, "{consumed}", event.Module), event))
			}
			continue
		}
		if !perEntity {
			entries = append(entries, f.entry(target, service))
			continue
		}
		for j := range service.Entities {
			entity := &service.Entities[j]
			entries = append(entries, f.entry(strings.ReplaceAll(target, "{entity}", entity.Module), entity))
		}
	}
	return entries
}

// shapeNames are what a path says about the whole system: {app} is the package of
// a monolith's process; {monolith} and {serverless} stand for nothing; they tell a
// file from the one of the other shapes.
func shapeNames(system *SystemView) *strings.Replacer {
	return strings.NewReplacer("{app}", system.AppPackage(), "{monolith}", "", "{serverless}", "")
}

func (f *templateFile) perEnvironment(system *SystemView) []Entry {
	var entries []Entry
	for i := range system.Environments {
		environment := &system.Environments[i]
		target := shapeNames(system).Replace(f.target)
		entries = append(entries, f.entry(strings.ReplaceAll(target, "{environment}", environment.Name), environment))
	}
	return entries
}

func (f *templateFile) perDeployable(system *SystemView) []Entry {
	var entries []Entry
	for _, deployable := range system.Deployables {
		if f.rule.when == nil || f.rule.when(deployable) {
			entries = append(entries, f.entry(strings.ReplaceAll(f.target, "{deployable}", deployable.Name), deployable))
		}
	}
	return entries
}

// perPublished makes a file for each event, in its publisher's folder or in the system's.
func (f *templateFile) perPublished(system *SystemView) []Entry {
	var entries []Entry
	for i := range system.Services {
		service := &system.Services[i]
		for j := range service.Published {
			event := &service.Published[j]
			target := strings.NewReplacer("{service}", service.Name, "{published}", event.Name).Replace(f.target)
			entries = append(entries, f.entry(target, event))
		}
	}
	return entries
}

func (f *templateFile) entry(target string, dot any) Entry {
	return Entry{
		Path: target, Mode: f.rule.mode, Kind: f.rule.kind, Owner: f.rule.owner, Template: f.source,
		file: f, dot: dot,
	}
}

// withHistory puts the migrations that were written before in the place of those
// that a first generation would write.
func withHistory(entries []Entry, system *SystemView, history History) []Entry {
	past := map[string]ServiceHistory{}
	for i := range system.Services {
		if known, ok := history.of(&system.Services[i]); ok {
			past[system.Services[i].Name] = known
		}
	}
	written := map[string]bool{}
	kept := make([]Entry, 0, len(entries))
	for _, entry := range entries {
		service, isService := entry.dot.(*ServiceView)
		if entry.Owner != Appended || !isService {
			kept = append(kept, entry)
			continue
		}
		known, ok := past[service.Name]
		if !ok {
			kept = append(kept, entry)
		} else if !written[service.Name] {
			written[service.Name] = true
			kept = append(kept, migrations(entry, service, known, history.Contract)...)
		}
	}
	return kept
}
