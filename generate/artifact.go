// Package generate turns a blueprint into artifacts, compares them with a target
// tree and commits the difference. All file access goes through afero.
package generate

import "io/fs"

// Owner says who may change a file after it was written.
type Owner string

// The owners of artifacts.
const (
	Generated Owner = "generated"   // ours: re-generated, merged with edits
	Yours     Owner = "yours"       // created once, never touched again
	Appended  Owner = "append-only" // migrations: added, never rewritten
)

// Artifact is one file of the generated tree.
type Artifact struct {
	Path     string // slash-separated, relative to the root of the tree, clean
	Content  []byte
	Mode     fs.FileMode
	Kind     string // what it is, for its reader and its consumer: python, sql, yaml, openapi, compose, dockerfile, markdown, …
	Owner    Owner
	Template string   // path below templates/ that made it
	Notes    []string // what to know before it is used: what a migration loses, locks or needs

	former []string // where it was before something was renamed, most likely first
}

// State is what a commit will do to one path.
type State string

// The states of a planned change.
const (
	Create    State = "create"
	Update    State = "update"
	Merge     State = "merge"     // edited, and the design changed: both are in the result
	Conflict  State = "conflict"  // a merge in which somebody has to choose, or that is written with markers
	Keep      State = "keep"      // the user's version stays; Reason says why
	Delete    State = "delete"    // no longer generated and not edited
	Unchanged State = "unchanged" // same bytes
)

// Change is one path of a plan.
type Change struct {
	Path     string
	State    State
	Reason   string
	Artifact Artifact  // what was rendered; zero for Delete and for kept leftovers
	From     string    // where it was before a rename; else empty
	Before   []byte    // what is on disk, at From after a rename; nil when nothing is
	After    []byte    // what will be on disk after the commit; nil for Delete
	Outdated bool      // kept although the design asks for other content
	Merged   Merged    // of Merge and Conflict
	Disputes []Dispute // the conflicts of Merged, in order
	Choices  []Choice  // what was chosen for each of them

	Undecided int // conflicts that nobody has chosen for

	standing   bool        // there is a file at Path
	executable bool        // it may be run afterwards
	remodeled  bool        // that is not so now
	mode       fs.FileMode // of the file at From
	replaced   []byte      // after a rename, what stands at Path
	crlf       bool        // the file has Windows line ends
	merged     string      // the reason once nothing of Merged is open
}
