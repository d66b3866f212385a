package generate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/spf13/afero"

	"codex-design/model"
)

// Design is what a tree is generated from.
type Design struct {
	System *SystemView
	// Answers is the text of the answers file as it will stand in the tree.
	Answers []byte
	// Basis is the text that those answers were read from, nil for a new design.
	// The tree's own answers file is replaced only if it holds this text or what
	// an earlier generation wrote.
	Basis []byte
	// Choices are what its owner wants where an edit and the design collide.
	Choices Choices
	// Consent is what its owner allows beyond what is safe.
	Consent Consent
}

// NewDesign resolves answers, which must be free of problems, into a design.
func NewDesign(answers model.Answers, text, basis []byte) Design {
	return Design{System: NewSystemView(model.Resolve(answers)), Answers: text, Basis: basis}
}

// Plan is what a commit would do to a tree.
type Plan struct {
	Changes   []Change       // sorted by path; the answers file is one of them
	Blocked   []string       // why it cannot be committed, each with how to mend it; empty when it can
	Asks      []Ask          // those of the reasons that a yes does away with
	Schemas   []SchemaPlan   // of the services that have a history
	Contracts []ContractPlan // of those whose API or events change, and of those that are gone

	// Was is the text of the answers that the tree was generated from; nil where
	// there is none, or it is not on record.
	Was []byte

	prior, next Record
	restored    []operation // of an undo: what becomes of the record; else nil
}

// Counts is the number of changes in each state.
type Counts map[State]int

// Counts counts the changes by state.
func (p Plan) Counts() Counts {
	counts := Counts{}
	for _, change := range p.Changes {
		counts[change.State]++
	}
	return counts
}

// Outdated lists the files that were kept as they are although the design asks for other content.
func (p Plan) Outdated() []Change {
	return slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool { return !c.Outdated })
}

// Writes says whether a commit would touch any file.
func (p Plan) Writes() bool {
	return slices.ContainsFunc(p.Changes, Change.writes) || p.recordChanges()
}

func (p Plan) recordChanges() bool {
	if p.restored != nil {
		return len(p.restored) > 0
	}
	return !bytes.Equal(p.prior.manifest, p.next.manifest) || !bytes.Equal(p.prior.history, p.next.history)
}

func (c Change) writes() bool {
	switch c.State {
	case Create, Update, Delete:
		return true
	case Merge, Conflict:
		return !bytes.Equal(c.Before, c.After) || c.remodeled || c.From != ""
	}
	return false
}

// Prepare reads what a tree has recorded, renders the design and compares the
// two. It writes nothing.
func Prepare(target afero.Fs, design Design, templates *Templates) (Plan, error) {
	record, err := ReadRecord(target)
	if err != nil {
		return Plan{}, err
	}
	record.History.Contract = design.Consent.Contract
	artifacts, err := Render(design.System, record.History, templates)
	if err != nil {
		return Plan{}, err
	}
	return MakePlan(target, design, artifacts, record)
}

// MakePlan compares artifacts, sorted by path, with what is in the target and
// with what was recorded there. It writes nothing.
func MakePlan(target afero.Fs, design Design, artifacts []Artifact, record Record) (Plan, error) {
	wanted := slices.Clone(artifacts)
	for path := range record.Files {
		if !listed(artifacts, path) && path != AnswersPath {
			wanted = append(wanted, Artifact{Path: path})
		}
	}
	wanted = append(wanted, answersArtifact(design))
	slices.SortFunc(wanted, func(a, b Artifact) int { return cmp.Compare(a.Path, b.Path) })
	paths, err := parsePaths(wanted)
	if err != nil {
		return Plan{}, err
	}
	onDisk, err := readAll(target, paths)
	if err != nil {
		return Plan{}, fmt.Errorf("reading the target: %w", err)
	}
	plan := Plan{prior: record, next: Record{Files: map[string]FileRecord{}}}
	plan.planHistory(design, artifacts)
	plan.Blocked = append(plan.Blocked, record.disputed...)
	moves := findMoves(artifacts, func(path string) bool { _, known := record.Files[path]; return known })
	bases := &bases{target: target}
	if err := plan.decideAll(wanted, onDisk, design, moves, bases); err != nil {
		return Plan{}, err
	}
	if was, known := record.Files[AnswersPath]; known {
		var kept bool
		if plan.Was, kept = bases.of(was); !kept && sum(design.Basis) == was.SHA256 {
			plan.Was = design.Basis
		}
	}
	if err := plan.carryStrays(target, design.System, moves); err != nil {
		return Plan{}, fmt.Errorf("reading the target: %w", err)
	}
	plan.next.manifest, plan.next.history = plan.next.manifestBytes(), plan.next.historyBytes()
	return plan, nil
}

func listed(artifacts []Artifact, path string) bool {
	_, ok := slices.BinarySearchFunc(artifacts, path, func(a Artifact, p string) int { return cmp.Compare(a.Path, p) })
	return ok
}

func answersArtifact(design Design) Artifact {
	return Artifact{Path: AnswersPath, Content: design.Answers, Mode: 0o644, Kind: "answers", Owner: Yours}
}

func parsePaths(artifacts []Artifact) ([]Path, error) {
	paths := make([]Path, len(artifacts))
	for i, artifact := range artifacts {
		p, err := ParsePath(artifact.Path)
		if err != nil {
			return nil, err
		}
		if i > 0 && artifacts[i-1].Path == artifact.Path {
			return nil, fmt.Errorf("%s is generated twice", artifact.Path)
		}
		paths[i] = p
	}
	return paths, nil
}

func (p *Plan) decideAll(wanted []Artifact, onDisk []found, design Design, moves moves, bases *bases) error {
	sums := make([]string, len(wanted))
	_ = inParallel(len(wanted), func(i int) error {
		sums[i] = sum(wanted[i].Content)
		return nil
	})
	at := func(path string) found {
		i, _ := slices.BinarySearchFunc(wanted, path, func(a Artifact, p string) int { return cmp.Compare(a.Path, p) })
		return onDisk[i]
	}
	sources := moves.possible(at)
	left := moves.left()
	for i, artifact := range wanted {
		s := situation{artifact: artifact, sum: sums[i], choices: design.Choices, bases: bases}
		if from, moved := moves[artifact.Path]; moved {
			s.remember(p.prior.versions(from))
			s.lookBehindMove(at(from), onDisk[i], sources[artifact.Path])
		} else {
			s.remember(p.prior.versions(artifact.Path))
			s.look(onDisk[i])
		}
		p.decide(s, design.Basis, left[artifact.Path])
	}
	return bases.problem
}

// decide adds what becomes of one path; it is empty after a move to another one.
func (p *Plan) decide(s situation, basis []byte, movedTo string) {
	var change Change
	var record bool
	switch {
	case s.problem() != "":
		change, record = s.change(Keep, s.problem()), s.known
		if !s.untouched() {
			p.Blocked = append(p.Blocked, s.problem())
		}
	case movedTo != "" && s.disk.exists:
		change = s.change(Delete, reasonMovedTo+movedTo)
	case s.artifact.Path == AnswersPath:
		change, record = s.answers(basis), true
		if change.Outdated {
			p.Blocked = append(p.Blocked, answersBlocked)
		}
	default:
		change, record = s.decide()
		p.Blocked = append(p.Blocked, change.blockedBy()...)
	}
	change = s.onDisk(change)
	if change.State != "" {
		p.Changes = append(p.Changes, change)
	}
	if record {
		p.next.Files[s.artifact.Path] = s.record(change)
	}
}

// blockedBy says why a plan with this change cannot be committed.
func (c Change) blockedBy() []string {
	switch {
	case c.Artifact.Owner == Appended && c.Outdated:
		return []string{c.Path + " " + migrationBlocked}
	case c.State == Conflict && c.Undecided > 0:
		return []string{c.undecided()}
	}
	return nil
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
