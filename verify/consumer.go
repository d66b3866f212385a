package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"codex-design/generate"
)

// Consumer is one row of the table: what it reads, how it is called, and how its
// answer is understood.
//
// In command lines {program} stands for the program, {files} for all files of the
// call, {file} for its only one, {folder} for its folder, {scratch} for a folder
// of passing files, and {context} for the named Kubernetes context.
type Consumer struct {
	Name     string
	Reads    []string  // path patterns of its files
	Not      []string  // patterns of those that it leaves out
	When     []string  // only in a tree with such a file
	Programs []Program // the first that is there is run
	Also     []string  // programs that Before and Feed need
	Before   []string  // command line that prepares a call
	Feed     []string  // command line whose output is its input
	Args     []string
	Unit     Unit
	Folders  []string // with PerFolder: patterns of the folders; other files belong to each of them
	InCopy   bool     // runs in a copy of its files, since it leaves things behind
	Alone    bool     // makes one call at a time
	Env      []string
	Answer   reader
	Lacks    *regexp.Regexp // what it says when something that it needs is not there
	Needs    string         // what that is
	GaveUp   int            // the exit code with which it has not looked at every file
	Timeout  time.Duration  // of one call
	Get      string         // how to get it

	AsksCluster bool // only where a context is named
}

// Unit is what one call is about.
type Unit int

// The units.
const (
	Together  Unit = iota // many files
	PerFile               // one file
	PerFolder             // one folder, with the files that several folders share
)

// Program is one way to get at a consumer.
type Program struct {
	Name  string
	Args  []string // come before the arguments of the call
	Probe []string // arguments that it accepts only if it can be used
	From  Source
}

// Source is where a program is looked for.
type Source int

// The sources.
const (
	OnPath       Source = iota
	OfTreeOrPath        // in the tree's own environment, else on the PATH
	OnlyOfTree          // in the tree's own environment: it needs what is installed beside it
)

// environment is where a tree keeps the Python programs of its own.
const environment = ".venv/bin"

// batch bounds the files of one call, since a command line must not grow without end.
const batch = 400

// reads lists the files that a consumer reads.
func (c *Consumer) reads(files []string) []string {
	asked := func(file string) bool { return anyMatch(c.When, file) }
	if c.When != nil && !slices.ContainsFunc(files, asked) {
		return nil
	}
	var mine []string
	for _, file := range files {
		if anyMatch(c.Reads, file) && !anyMatch(c.Not, file) {
			mine = append(mine, file)
		}
	}
	return mine
}

func anyMatch(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return generate.Match(pattern, name) })
}

// part is what one call is about.
type part struct {
	folder string
	files  []string
}

// split divides a consumer's files into calls.
func (c *Consumer) split(files []string) []part {
	var parts []part
	switch c.Unit {
	case PerFile:
		for _, file := range files {
			parts = append(parts, part{path.Dir(file), []string{file}})
		}
	case PerFolder:
		parts = c.folders(files)
	default:
		for chunk := range slices.Chunk(files, batch) {
			parts = append(parts, part{"", chunk})
		}
	}
	return parts
}

// folders makes a part of each folder; what lies in none belongs to all.
func (c *Consumer) folders(files []string) []part {
	var parts []part
	var shared []string
	for _, file := range files {
		folder := c.folderOf(file)
		if folder == "" {
			shared = append(shared, file)
		} else if n := len(parts); n == 0 || parts[n-1].folder != folder {
			parts = append(parts, part{folder, []string{file}})
		} else {
			parts[n-1].files = append(parts[n-1].files, file)
		}
	}
	for i := range parts {
		parts[i].files = append(parts[i].files, shared...)
	}
	return parts
}

func (c *Consumer) folderOf(file string) string {
	for i, r := range file {
		if r == '/' && anyMatch(c.Folders, file[:i]) {
			return file[:i]
		}
	}
	return ""
}

// own tells whether a file belongs to this call alone.
func (c call) own(file string) bool {
	return c.job.consumer.Unit != PerFolder || strings.HasPrefix(file, c.folder+"/")
}
