package ui

import "codex-design/ui/layout"

func (m *Model) becauseLines(string, layout.Rect) []string { return nil }
