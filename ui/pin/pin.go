// Package pin decides the terminal's background before bubbletea's own package
// initialisation asks the terminal for it, which can stall every command for
// five seconds on a terminal that does not answer.
//
// Go initialises packages that are ready in the order of their import paths, so
// this works because "codex-design/ui/pin" sorts before
// "github.com/charmbracelet/bubbletea". The theme is chosen later, in ui/theme.
package pin

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }
