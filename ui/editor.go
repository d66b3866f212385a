package ui

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// openEditor shows the file under the cursor in the user's editor, as a
// read-only copy: the wizard's files come from the answers.
func (m *Model) openEditor() tea.Cmd {
	path := m.preview.tree.File()
	plan, planned := m.planNow()
	if !m.known(path, plan, planned) {
		m.say("The plan is being made: one moment.")
		return nil
	}
	entry, _ := m.works.done.entry(path)
	change, _ := plan.change(path)
	content := fileContent{entry: entry, change: change, planned: planned, target: m.place().Fs}
	_, text, err := content.bytes(false)
	if err != nil {
		m.complain(err.Error())
		return nil
	}
	directory, err := os.MkdirTemp("", "codex-design-")
	if err != nil {
		m.complain(err.Error())
		return nil
	}
	copied := filepath.Join(directory, filepath.Base(path))
	if err := os.WriteFile(copied, text, 0o400); err != nil {
		m.complain(err.Error())
		return nil
	}
	command := editorCommand(m.options.Getenv, copied)
	return tea.ExecProcess(command, func(err error) tea.Msg { return editorClosed{directory, err} })
}

// editorCommand is the user's editor on a file. The setting can hold arguments.
func editorCommand(getenv func(string) string, file string) *exec.Cmd {
	editor := getenv("VISUAL")
	if editor == "" {
		editor = getenv("EDITOR")
	}
	words := strings.Fields(editor)
	if len(words) == 0 {
		words = []string{"vi"}
	}
	return exec.Command(words[0], append(words[1:], file)...)
}

type editorClosed struct {
	directory string
	err       error
}

func (e editorClosed) apply(m *Model) tea.Cmd {
	if err := os.RemoveAll(e.directory); err != nil {
		m.complain(err.Error())
	}
	if e.err != nil {
		m.complain("The editor could not be run: " + e.err.Error())
	}
	return nil
}
