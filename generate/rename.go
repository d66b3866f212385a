package generate

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"codex-design/model"
)

// formerPaths lists where a file was before what its path names got another
// name, most likely first; none where nothing did.
func (e Entry) formerPaths() []string {
	switch view := e.dot.(type) {
	case *ServiceView:
		if view.Was != "" {
			return []string{e.under(view.Was, "")}
		}
	case *EntityView:
		service := view.Service
		var paths []string
		if service.Was != "" && view.Was != "" {
			paths = append(paths, e.under(service.Was, model.PythonModule(view.Was)))
		}
		if service.Was != "" {
			paths = append(paths, e.under(service.Was, view.Module))
		}
		if view.Was != "" {
			paths = append(paths, e.under(service.Name, model.PythonModule(view.Was)))
		}
		return paths
	}
	return nil
}

// under is the file's path with other names in the place of those in it. A name
// without a placeholder stays: migrations are called after what they do.
func (e Entry) under(service, module string) string {
	pattern := e.file.target
	if base := path.Base(pattern); !strings.Contains(base, "{") {
		pattern = path.Join(path.Dir(pattern), path.Base(e.Path))
	}
	return strings.NewReplacer("{service}", service, "{deployable}", service, "{package}", model.ServicePackage(service), "{entity}", module).Replace(pattern)
}

// moves are the files that get another path: by that path, the one on record.
type moves map[string]string

// findMoves compares the artifacts with what is on record. A design keeps saying
// what something was long after that was carried out; so a path that is still
// wanted gives its file away only if it gets another one at the same time, as in
// a chain: b was a, and c was b.
func findMoves(artifacts []Artifact, recorded func(path string) bool) moves {
	wanted := map[string]bool{}
	for _, artifact := range artifacts {
		wanted[artifact.Path] = true
	}
	found := moves{}
	for again := true; again; {
		again = false
		for _, artifact := range artifacts {
			if _, known := found[artifact.Path]; known {
				continue
			}
			for _, former := range artifact.former {
				_, vacated := found[former]
				if recorded(former) && (!wanted[former] || vacated) {
					found[artifact.Path], again = former, true
					break
				}
			}
		}
	}
	return found
}

// possible drops the moves to where a file stands that is not moved itself, and
// returns the places that files go away from.
func (m moves) possible(at func(path string) found) map[string]bool {
	sources := map[string]bool{}
	for _, from := range m {
		sources[from] = true
	}
	for again := true; again; {
		again = false
		for path, from := range m {
			if at(path).exists && at(from).exists && !sources[path] {
				delete(m, path)
				delete(sources, from)
				again = true
			}
		}
	}
	return sources
}

// left lists the paths without a file afterwards, each with where it goes.
func (m moves) left() map[string]string {
	left := map[string]string{}
	for path, from := range m {
		if _, filled := m[from]; !filled {
			left[from] = path
		}
	}
	return left
}

// lookBehindMove takes in a file at its former path, what stands at the new one,
// and whether that goes somewhere else.
func (s *situation) lookBehindMove(from, here found, goes bool) {
	switch {
	case from.exists:
		s.carried, s.from = true, here
		s.look(from)
	case goes:
		s.from = here // somebody deleted what would come here
		s.look(found{})
	default:
		s.look(here) // somebody moved or deleted it already
	}
}

// reasonAlong says why a file moves that nobody generated.
const reasonAlong = "it is yours and goes along with the renamed service; it was "

// carryStrays adds the files that somebody put into the directory of a service
// that is renamed: they go along, unless something stands in their way.
func (p *Plan) carryStrays(target afero.Fs, system *SystemView, moves moves) error {
	for i := range system.Services {
		service := &system.Services[i]
		from, to := "services/"+service.Was+"/", "services/"+service.Name+"/"
		if service.Was == "" || !moves.between(from, to) {
			continue
		}
		strays, err := p.strays(target, strings.TrimSuffix(from, "/"))
		if err != nil {
			return err
		}
		packages := strings.NewReplacer("/"+model.ServicePackage(service.Was)+"/", "/"+service.Package+"/")
		for _, stray := range strays {
			if err := p.carryStray(target, stray, Path{to + packages.Replace(strings.TrimPrefix(stray.slash, from))}); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(p.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

func (m moves) between(from, to string) bool {
	for path, former := range m {
		if strings.HasPrefix(former, from) && strings.HasPrefix(path, to) {
			return true
		}
	}
	return false
}

// strays lists the files below a directory that are neither on record nor planned,
// without what tools leave behind.
func (p *Plan) strays(target afero.Fs, dir string) ([]Path, error) {
	planned := map[string]bool{}
	for _, change := range p.Changes {
		planned[change.Path] = true
	}
	var found []Path
	err := afero.Walk(target, dir, func(name string, info fs.FileInfo, err error) error {
		name = strings.TrimPrefix(filepath.ToSlash(name), "/")
		_, recorded := p.prior.Files[name]
		switch {
		case missing(err):
			return nil
		case err != nil:
			return err
		case isJunk(info.Name()) && info.IsDir():
			return filepath.SkipDir
		case !info.Mode().IsRegular() || isJunk(info.Name()) || recorded || planned[name]:
			return nil
		}
		stray, err := ParsePath(name)
		if err == nil {
			found = append(found, stray)
		}
		return nil
	})
	return found, err
}

func (p *Plan) carryStray(target afero.Fs, from, to Path) error {
	onDisk, err := readAll(target, []Path{from, to})
	if err != nil || onDisk[0].problem != "" || onDisk[1].exists || onDisk[1].problem != "" {
		return err
	}
	mine := onDisk[0]
	p.Changes = append(p.Changes,
		Change{
			Path: to.slash, State: Create, Reason: reasonAlong + from.slash, From: from.slash, Before: mine.content, After: mine.content,
			mode: mine.mode, executable: mine.executable(),
		},
		Change{Path: from.slash, State: Delete, Reason: reasonMovedTo + to.slash, Before: mine.content, standing: true})
	return nil
}
