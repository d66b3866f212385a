package generate

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Path is a file's place below the root of a tree. It cannot hold an absolute
// path, a step upwards, a control character or a name that some file system
// refuses, so that whatever takes a Path stays inside the tree.
type Path struct{ slash string }

const (
	maxNameBytes = 255 // of one name, on every common file system
	maxPathBytes = 1024
)

// ParsePath accepts a clean slash-separated relative path.
func ParsePath(text string) (Path, error) {
	if len(text) > maxPathBytes {
		return Path{}, fmt.Errorf("path of %d bytes: at most %d are possible", len(text), maxPathBytes)
	}
	if text == "" || text == "." || path.Clean(text) != text || path.IsAbs(text) {
		return Path{}, fmt.Errorf("path %q: must be relative, without empty names, \".\" or \"..\"", text)
	}
	for _, name := range strings.Split(text, "/") {
		if problem := nameProblem(name); problem != "" {
			return Path{}, fmt.Errorf("path %q: %s", text, problem)
		}
	}
	return Path{text}, nil
}

// String is the path with slashes.
func (p Path) String() string { return p.slash }

// parents lists the directories above the file, outermost first.
func (p Path) parents() []string {
	var dirs []string
	for i, r := range p.slash {
		if r == '/' {
			dirs = append(dirs, p.slash[:i])
		}
	}
	return dirs
}

// nameProblem says why a name cannot be used on every system; empty when it can.
func nameProblem(name string) string {
	switch {
	case name == "..":
		return `".." would leave the tree`
	case len(name) > maxNameBytes:
		return fmt.Sprintf("a name of %d bytes: at most %d are possible", len(name), maxNameBytes)
	case !utf8.ValidString(name):
		return "a name that is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "a control character in a name"
	case strings.ContainsAny(name, `\<>:"|?*`):
		return fmt.Sprintf("the name %q has a character that Windows refuses", name)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return fmt.Sprintf("the name %q ends in a dot or a blank, which Windows drops", name)
	case windowsDevice(name):
		return fmt.Sprintf("the name %q is a device on Windows", name)
	case strings.EqualFold(name, ".git"):
		return "what is in .git belongs to git, and can run on its own"
	}
	return ""
}

func windowsDevice(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	numbered := strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")
	return numbered && len(base) == 4 && base[3] >= '1' && base[3] <= '9'
}

// Match says whether a slash-separated path fits a pattern: path.Match name by
// name, with ** for any number of names.
func Match(pattern, name string) bool {
	return matchSegments(strings.Split(pattern, "/"), strings.Split(name, "/"))
}
