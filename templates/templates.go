// Package templates holds the tree that every system is generated from. Its
// layout is that of the generated tree: a file is found by the path seen there.
// See generate.LoadTemplates for what the names mean.
package templates

import "embed"

// FS is the tree. A directory that is embedded as a whole leaves out what begins
// with a dot or an underscore, and so the caches that tools leave in a working
// copy; the few files of that kind that belong to the tree are named.
//
//go:embed app architecture deploy docs libs requirements scripts services tests *.tmpl
//go:embed .dockerignore .editorconfig .gitattributes .github .gitignore .gitlab-ci.yml.tmpl .squawk.toml *.json trivy.yaml
//go:embed libs/kit/*/*/__*__.py libs/kit/*/*/*/__*__.py libs/kit/*/*/*/*/__*__.py
//go:embed app/src/*/__*__.py.tmpl
//go:embed services/*/src/*/__*__.py.tmpl services/*/src/*/*/__*__.py* services/*/src/*/*/*/__*__.py*
var FS embed.FS
