package generate

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// settle chooses one history for each service. Where two branches that were
// merged recorded different ones, that is the one that goes on from the other, or
// else the only one whose migrations are all in place.
func (r *Record) settle(target afero.Fs) error {
	for _, service := range slices.Sorted(maps.Keys(r.histories)) {
		longest := withoutAncestors(r.histories[service])
		chosen := longest[0]
		if len(longest) > 1 {
			complete, err := inPlace(target, service, longest)
			if err != nil {
				return err
			}
			if len(complete) == 1 {
				chosen = complete[0]
			} else {
				r.disputed = append(r.disputed, disputedMigrations(service, longest))
			}
		}
		r.History.Services[service] = chosen
	}
	return nil
}

// withoutAncestors drops each history that another one continues or repeats.
func withoutAncestors(histories []ServiceHistory) []ServiceHistory {
	var longest []ServiceHistory
	for i, one := range histories {
		continued := false
		for j, other := range histories {
			same := len(one.Migrations) == len(other.Migrations)
			continued = continued || i != j && startsWith(other, one) && (!same || j < i)
		}
		if !continued {
			longest = append(longest, one)
		}
	}
	return longest
}

// startsWith says whether a history begins with all of an earlier one.
func startsWith(history, earlier ServiceHistory) bool {
	if len(earlier.Migrations) > len(history.Migrations) {
		return false
	}
	for i, migration := range earlier.Migrations {
		if !migration.equal(history.Migrations[i]) {
			return false
		}
	}
	return true
}

func (m Migration) equal(other Migration) bool {
	return m.Name == other.Name && bytes.Equal(m.Content, other.Content)
}

// inPlace keeps the histories whose migrations are all in the tree. Where another
// history has a migration of the same name, the content tells them apart.
func inPlace(target afero.Fs, service string, histories []ServiceHistory) ([]ServiceHistory, error) {
	contents := map[string]map[string]bool{} // by name, what histories say of it
	for _, history := range histories {
		for _, migration := range history.Migrations {
			if contents[migration.Name] == nil {
				contents[migration.Name] = map[string]bool{}
			}
			contents[migration.Name][string(migration.Content)] = true
		}
	}
	var complete []ServiceHistory
	for _, history := range histories {
		all := true
		for _, migration := range history.Migrations {
			found, err := standingAt(target, migrationPath(service, migration))
			if err != nil {
				return nil, err
			}
			told := len(contents[migration.Name]) == 1 || bytes.Equal(found.content, migration.Content)
			all = all && found.exists && told
		}
		if all {
			complete = append(complete, history)
		}
	}
	return complete, nil
}

func migrationPath(service string, migration Migration) Path {
	return Path{path.Join("services", service, "migrations", migration.Name)}
}

// disputedMigrations says which migrations two branches added side by side, and how to choose.
func disputedMigrations(service string, histories []ServiceHistory) string {
	shared := 0
	for startsWith(histories[1], ServiceHistory{Migrations: histories[0].Migrations[:shared+1]}) {
		shared++
	}
	var sides []string
	for _, history := range histories {
		var names []string
		for _, migration := range history.Migrations[shared:] {
			names = append(names, migrationPath(service, migration).String())
		}
		sides = append(sides, strings.Join(names, " and "))
	}
	text := fmt.Sprintf("two branches each added a migration to the service %s: ", service)
	if sides[0] == sides[1] {
		text += fmt.Sprintf("both called %s. Keep one, with git checkout --ours or --theirs: not the one ", sides[0])
	} else {
		text += strings.Join(sides, ", or ") + ". Delete the one "
	}
	return text + "that no database has applied, or whose down step you have run, and generate again: " +
		"its change comes as a new migration behind the other"
}

// versions lists what is recorded of a file: one record, or one from each branch.
func (r *Record) versions(file string) []FileRecord {
	first, known := r.Files[file]
	if !known {
		return nil
	}
	return append([]FileRecord{first}, r.others[file]...)
}

// sidesOf takes a file in which git left conflicts apart into what each branch
// has there; ok is false where the markers make no sense.
func sidesOf(text string) (ours, theirs string, ok bool) {
	var sides [2]strings.Builder
	at := outside
	for _, line := range splitLines(text) {
		next, isMarker := at.behind(line)
		switch {
		case isMarker:
			at, ok = next, true
		case at == outside:
			sides[0].WriteString(line)
			sides[1].WriteString(line)
		case at == inOurs:
			sides[0].WriteString(line)
		case at == inTheirs:
			sides[1].WriteString(line)
		}
	}
	return sides[0].String(), sides[1].String(), ok && at == outside
}

// hasGitConflict says whether git left a conflict in a file.
func hasGitConflict(content []byte) bool {
	if !bytes.Contains(content, []byte(gitMarkers[0])) || !isText(content) {
		return false
	}
	_, _, ok := sidesOf(string(content))
	return ok
}

// conflictPart is where in a conflict of git a line stands.
type conflictPart int

const (
	outside conflictPart = iota
	inOurs
	inBase // with merge.conflictStyle diff3
	inTheirs
)

// behind is the part that begins behind a marker.
func (p conflictPart) behind(line string) (next conflictPart, isMarker bool) {
	for _, marker := range []struct {
		prefix string
		from   []conflictPart
		to     conflictPart
	}{
		{"<<<<<<< ", []conflictPart{outside}, inOurs},
		{"||||||| ", []conflictPart{inOurs}, inBase},
		{"=======", []conflictPart{inOurs, inBase}, inTheirs},
		{">>>>>>> ", []conflictPart{inTheirs}, outside},
	} {
		if strings.HasPrefix(line, marker.prefix) && slices.Contains(marker.from, p) {
			return marker.to, true
		}
	}
	return p, false
}

// joinBranches resolves the conflicts that git left in a generated file: each
// branch's version is merged with what the design asks for now, and then the two
// with each other. That settles all that the branches' designs, not their people,
// disagreed on; ok is false where more is left.
func (s situation) joinBranches() (Change, bool) {
	ours, theirs, _ := sidesOf(string(s.disk.content))
	var sides [2]string
	for i, text := range []string{ours, theirs} {
		merged, known := s.leastConflicts([]byte(text))
		if !known || merged.Conflicts() > 0 {
			return Change{}, false
		}
		sides[i] = merged.Text(nil)
	}
	joined := MergeText(string(s.artifact.Content), sides[0], sides[1])
	if joined.Conflicts() > 0 {
		return Change{}, false
	}
	change := s.change(Merge, reasonJoined)
	change.After = []byte(joined.Text(nil))
	return change, true
}
