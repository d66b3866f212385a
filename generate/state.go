package generate

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"codex-design/model"
)

// Where a tree keeps what the next generation needs to know about this one. The
// directory belongs under version control together with the tree.
const (
	StateDir    = ".codex-design"
	AnswersPath = "codex-design.yaml"

	manifestPath = StateDir + "/manifest.jsonl" // one line per file: hash of what was generated
	historyPath  = StateDir + "/history.jsonl"  // one line per service: schema and migrations

	// localDir is what concerns this copy of the tree alone: git does not see it.
	localDir     = StateDir + "/local"
	lockPath     = localDir + "/lock"
	stageDir     = localDir + "/stage"    // of a commit at work
	journalPath  = localDir + "/journal"  // there while a commit puts files into place
	rollbackPath = localDir + "/rollback" // the journal of a commit that is being taken back
	undoPath     = localDir + "/undo.tar.gz"

	stateFormat = 1
)

// Record is what earlier generations wrote down in a tree. The zero value stands
// for a tree without any.
type Record struct {
	Files   map[string]FileRecord // by path
	History History

	manifest, history []byte // as they are on disk

	// What two branches recorded that were merged, each on its own.
	merged    bool                        // some file says more than one thing, or says it between git's markers
	others    map[string][]FileRecord     // by path: what else is recorded of a file
	histories map[string][]ServiceHistory // by service: what else is recorded of it
	disputed  []string                    // what has to be chosen first
}

// FileRecord is one generated file as it was before anybody edited it.
type FileRecord struct {
	Path       string `json:"path"`
	SHA256     string `json:"sha256"`
	Owner      Owner  `json:"owner"`
	Executable bool   `json:"executable,omitempty"`
}

// ReadRecord reads what a tree has recorded. A damaged record is an error that
// names the file and the line: guessing could lose somebody's edits. A record
// that git merged from two branches, by itself or with conflict markers left, is
// read as what both say.
func ReadRecord(target afero.Fs) (Record, error) {
	record := Record{
		Files: map[string]FileRecord{}, others: map[string][]FileRecord{},
		History: History{Services: map[string]ServiceHistory{}}, histories: map[string][]ServiceHistory{},
	}
	var err error
	if record.manifest, err = readLines(target, manifestPath, record.addFile); err != nil {
		return Record{}, err
	}
	if record.history, err = readLines(target, historyPath, record.addService); err != nil {
		return Record{}, err
	}
	record.merged = record.merged || bytes.Contains(record.manifest, []byte(gitMarkers[0])) || bytes.Contains(record.history, []byte(gitMarkers[0]))
	return record, record.settle(target)
}

// stateHeader is the first line of each file of the record.
type stateHeader struct {
	Format int `json:"format"`
}

// gitMarkers begin the lines that git leaves around the sides of a conflict.
var gitMarkers = []string{"<<<<<<< ", "||||||| ", "=======", ">>>>>>> "}

func isGitMarker(line []byte) bool {
	return slices.ContainsFunc(gitMarkers, func(marker string) bool { return bytes.HasPrefix(line, []byte(marker)) })
}

// readLines hands each line after the header to add. It returns the bytes of the
// file, nil if there is none.
func readLines(target afero.Fs, name string, add func(line []byte) error) ([]byte, error) {
	content, err := afero.ReadFile(target, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	headers := 0
	for number, line := range bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n")) {
		switch {
		case isGitMarker(line):
			continue
		case headers == 0 || isHeader(line):
			headers++
			err = checkHeader(line)
		default:
			err = add(line)
		}
		if err != nil {
			return nil, damaged(name, number+1, err)
		}
	}
	return content, nil
}

func isHeader(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"format"`)) }

func checkHeader(line []byte) error {
	var header stateHeader
	if err := decodeStrictly(line, &header); err != nil {
		return err
	}
	if header.Format != stateFormat {
		return fmt.Errorf("format %d; this program knows format %d: use the version that wrote it, or a newer one", header.Format, stateFormat)
	}
	return nil
}

func damaged(name string, number int, err error) error {
	return fmt.Errorf("%s, line %d: %w\n"+
		"Restore the file from version control. If that is not possible, delete the directory %s:\n"+
		"every file that is in place is then taken for yours and kept", name, number, err, StateDir)
}

func decodeStrictly(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one value on the line")
	}
	return nil
}

func (r *Record) addFile(line []byte) error {
	var file FileRecord
	if err := decodeStrictly(line, &file); err != nil {
		return err
	}
	if _, err := ParsePath(file.Path); err != nil {
		return err
	}
	if raw, err := hex.DecodeString(file.SHA256); err != nil || len(raw) != 32 {
		return fmt.Errorf("%q is not a SHA-256 sum", file.SHA256)
	}
	if file.Owner != Generated && file.Owner != Yours && file.Owner != Appended {
		return fmt.Errorf("unknown owner %q", file.Owner)
	}
	first, known := r.Files[file.Path]
	switch {
	case !known:
		r.Files[file.Path] = file
	case first != file && !slices.Contains(r.others[file.Path], file):
		r.merged = true
		r.others[file.Path] = append(r.others[file.Path], file)
	}
	return nil
}

// serviceRecord is one line of the history.
type serviceRecord struct {
	Service    string            `json:"service"`
	Schema     []model.Table     `json:"schema"`
	Migrations []migrationRecord `json:"migrations"`
	Contract   *model.Contract   `json:"contract,omitempty"`
}

type migrationRecord struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

func (r *Record) addService(line []byte) error {
	var service serviceRecord
	if err := decodeStrictly(line, &service); err != nil {
		return err
	}
	past := ServiceHistory{Schema: service.Schema, Contract: service.Contract}
	for _, migration := range service.Migrations {
		if _, err := ParsePath(migration.Name); err != nil || strings.Contains(migration.Name, "/") {
			return fmt.Errorf("%q is no name of a migration", migration.Name)
		}
		past.Migrations = append(past.Migrations, Migration{migration.Name, []byte(migration.SQL)})
	}
	if _, known := r.histories[service.Service]; known {
		r.merged = true
	}
	r.histories[service.Service] = append(r.histories[service.Service], past)
	return nil
}

// manifestBytes writes the files of a record, sorted by path.
func (r *Record) manifestBytes() []byte {
	files := make([]FileRecord, 0, len(r.Files))
	for _, file := range r.Files {
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b FileRecord) int { return cmp.Compare(a.Path, b.Path) })
	return jsonLines(files)
}

// historyBytes writes the history of a record, sorted by service.
func (r *Record) historyBytes() []byte {
	services := make([]serviceRecord, 0, len(r.History.Services))
	for name, past := range r.History.Services {
		line := serviceRecord{Service: name, Schema: past.Schema, Contract: past.Contract}
		for _, migration := range past.Migrations {
			line.Migrations = append(line.Migrations, migrationRecord{migration.Name, string(migration.Content)})
		}
		services = append(services, line)
	}
	slices.SortFunc(services, func(a, b serviceRecord) int { return cmp.Compare(a.Service, b.Service) })
	return jsonLines(services)
}

// jsonLines writes a header and one line per value.
func jsonLines[T any](values []T) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	// Strings and numbers into a buffer: encoding cannot fail.
	_ = encoder.Encode(stateHeader{stateFormat})
	for i := range values {
		_ = encoder.Encode(&values[i])
	}
	return out.Bytes()
}
