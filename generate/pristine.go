package generate

import (
	"bytes"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/afero"
)

// pristineDir holds the content of generated files as it was before any edit, the
// base of a later merge. It is text, a line for each file, in one archive per
// service and one for the rest: git merges the lines of two branches.
const pristineDir = StateDir + "/pristine"

// pristineLine is one version of one file; data is deflated.
type pristineLine struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Data   []byte `json:"data"`
}

// archiveOf names the archive that holds a file.
func archiveOf(file string) string {
	names := strings.SplitN(file, "/", 3)
	if len(names) == 3 && names[0] == "services" {
		return path.Join(pristineDir, "services", names[1]+".jsonl")
	}
	return path.Join(pristineDir, "system.jsonl")
}

// archives groups the files of a record whose pristine content is kept, sorted by path.
func (r *Record) archives() map[string][]FileRecord {
	groups := map[string][]FileRecord{}
	for _, file := range r.Files {
		if file.Owner != Appended {
			name := archiveOf(file.Path)
			groups[name] = append(groups[name], file)
		}
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b FileRecord) int { return cmp.Compare(a.Path, b.Path) })
	}
	return groups
}

// archiveOps lists what a plan does to the archives, sorted by name.
func (p Plan) archiveOps(target afero.Fs) ([]operation, error) {
	fresh := map[string][]byte{} // content by path
	for _, change := range p.Changes {
		fresh[change.Path] = change.Artifact.Content
	}
	before, after := p.prior.archives(), p.next.archives()
	var ops []operation
	for _, name := range slices.Sorted(maps.Keys(joined(before, after))) {
		if slices.Equal(before[name], after[name]) && stands(target, name) && !p.prior.merged {
			continue
		}
		op, err := p.archiveOp(target, name, after[name], fresh)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op...)
	}
	return ops, nil
}

func joined[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func (p Plan) archiveOp(target afero.Fs, name string, files []FileRecord, fresh map[string][]byte) ([]operation, error) {
	before, err := afero.ReadFile(target, name)
	if missing(err) {
		before = nil
	} else if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return recordOp(name, before, nil), nil
	}
	var from []string // the archives of files that were renamed
	for _, change := range p.Changes {
		if change.From != "" && archiveOf(change.Path) == name {
			from = append(from, archiveOf(change.From))
		}
	}
	slices.Sort(from)
	after, err := repack(target, slices.Compact(append(from, name)), files, fresh)
	return recordOp(name, before, after), err
}

func stands(target afero.Fs, name string) bool {
	_, err := target.Stat(name)
	return err == nil
}

// repack makes an archive anew: from what was just rendered or, for a file whose
// edit descends from older content, from the archives as they were.
func repack(target afero.Fs, names []string, files []FileRecord, fresh map[string][]byte) ([]byte, error) {
	old := map[string][]byte{} // deflated, by sum
	for _, name := range names {
		lines, err := readArchive(target, name)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			old[line.SHA256] = line.Data
		}
	}
	lines := make([]pristineLine, len(files))
	err := inParallel(len(files), func(i int) (err error) {
		file := files[i]
		data, ok := old[file.SHA256]
		if !ok {
			if sum(fresh[file.Path]) != file.SHA256 {
				return nil // lost long ago
			}
			data, err = deflate(fresh[file.Path])
		}
		lines[i] = pristineLine{file.Path, file.SHA256, data}
		return err
	})
	lines = slices.DeleteFunc(lines, func(line pristineLine) bool { return line.Path == "" })
	return jsonLines(lines), err
}

// deflaters are kept, since making one costs more than a small file does.
var deflaters = sync.Pool{New: func() any {
	writer, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // a level that does not exist: a mistake of ours
	}
	return writer
}}

func deflate(data []byte) ([]byte, error) {
	writer := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(writer)
	var out bytes.Buffer
	writer.Reset(&out)
	_, err := writer.Write(data)
	err = errors.Join(err, writer.Close())
	return out.Bytes(), err
}

func inflate(data []byte) ([]byte, error) {
	reader := flate.NewReader(bytes.NewReader(data))
	content, err := io.ReadAll(reader)
	return content, errors.Join(err, reader.Close())
}

// readArchive reads the lines of an archive; one that does not exist has none.
// Where git merged two branches, a file may have several versions.
func readArchive(target afero.Fs, name string) ([]pristineLine, error) {
	var lines []pristineLine
	_, err := readLines(target, name, func(raw []byte) error {
		var line pristineLine
		if isHeader(raw) {
			return nil
		}
		err := decodeStrictly(raw, &line)
		lines = append(lines, line)
		return err
	})
	return lines, err
}

// bases finds the content that edited files were made from.
type bases struct {
	target   afero.Fs
	archives map[string]map[fileVersion][]byte // by name, those looked at so far
	problem  error                             // the first that could not be read
}

// fileVersion is a file with the sum of one content.
type fileVersion struct{ path, sum string }

// of returns what a file was before any edit, if that is on record.
func (b *bases) of(file FileRecord) ([]byte, bool) {
	name := archiveOf(file.Path)
	versions, known := b.archives[name]
	if !known {
		lines, err := readArchive(b.target, name)
		if err != nil && b.problem == nil {
			b.problem = err
		}
		versions = map[fileVersion][]byte{}
		for _, line := range lines {
			versions[fileVersion{line.Path, line.SHA256}] = line.Data
		}
		if b.archives == nil {
			b.archives = map[string]map[fileVersion][]byte{}
		}
		b.archives[name] = versions
	}
	data, ok := versions[fileVersion{file.Path, file.SHA256}]
	if !ok {
		return nil, false
	}
	content, err := inflate(data)
	if err == nil && sum(content) != file.SHA256 {
		err = errors.New("another content than its sum says")
	}
	if err != nil && b.problem == nil {
		b.problem = fmt.Errorf("%s is damaged at %s (%w): restore it from version control", name, file.Path, err)
	}
	return content, err == nil
}
