// Package robot uses a program made with bubbletea as a person does: by keys and
// by looking at the screen. Commands run at once and in order, so there is
// nothing to wait for.
package robot

import (
	"reflect"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// Robot holds a program between two keys.
type Robot struct {
	Program tea.Model
	Quit    bool // the program asked to end
}

// New starts a program in a window of that size.
func New(program tea.Model, width, height int) *Robot {
	r := &Robot{Program: program}
	r.Resize(width, height)
	r.Run(program.Init())
	return r
}

// Send hands over a message and everything that follows from it.
func (r *Robot) Send(msg tea.Msg) {
	var cmd tea.Cmd
	r.Program, cmd = r.Program.Update(msg)
	r.Run(cmd)
}

// Run runs a command and hands over what comes of it.
func (r *Robot) Run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.QuitMsg:
		r.Quit = true
	case tea.BatchMsg:
		for _, each := range msg {
			r.Run(each)
		}
	default:
		r.take(msg)
	}
}

// take hands over a message, or runs the commands of a sequence, whose type is
// not exported.
func (r *Robot) take(msg tea.Msg) {
	list := reflect.ValueOf(msg)
	if list.Kind() != reflect.Slice || list.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		r.Send(msg)
		return
	}
	for i := range list.Len() {
		r.Run(list.Index(i).Interface().(tea.Cmd))
	}
}

// Resize changes the window.
func (r *Robot) Resize(width, height int) {
	r.Send(tea.WindowSizeMsg{Width: width, Height: height})
}

// Keys are the keys that have a name of more than one letter.
var Keys = map[string]tea.KeyType{
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "up": tea.KeyUp,
	"down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	"home": tea.KeyHome, "end": tea.KeyEnd, "delete": tea.KeyDelete, "backspace": tea.KeyBackspace, "f1": tea.KeyF1,
	"f2": tea.KeyF2, "ctrl+n": tea.KeyCtrlN, "ctrl+p": tea.KeyCtrlP, "ctrl+z": tea.KeyCtrlZ, "ctrl+y": tea.KeyCtrlY,
	"ctrl+g": tea.KeyCtrlG, "ctrl+l": tea.KeyCtrlL, "ctrl+c": tea.KeyCtrlC, "ctrl+u": tea.KeyCtrlU,
	"shift+up": tea.KeyShiftUp, "shift+down": tea.KeyShiftDown,
}

// Press presses keys by their names; anything that is no key's name is typed
// letter by letter.
func (r *Robot) Press(names ...string) {
	for _, name := range names {
		if code, ok := Keys[name]; ok {
			r.Send(tea.KeyMsg{Type: code})
			continue
		}
		if name == "space" {
			name = " "
		}
		for _, letter := range name {
			r.letter(letter)
		}
	}
}

func (r *Robot) letter(letter rune) {
	if letter == ' ' {
		r.Send(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}})
		return
	}
	if letter != utf8.RuneError {
		r.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{letter}})
	}
}

// Paste pastes a text, as terminals with bracketed paste report it.
func (r *Robot) Paste(text string) {
	r.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
}

// Screen is what is to be seen, without colours.
func (r *Robot) Screen() string { return ansi.Strip(r.Program.View()) }

// Sees tells whether a text is to be seen.
func (r *Robot) Sees(text string) bool { return strings.Contains(r.Screen(), text) }
