package components

// Scroll keeps a cursor within a list and the part that is shown around it.
type Scroll struct {
	Cursor int
	Offset int
}

// Move moves the cursor by that many rows, within count rows.
func (s *Scroll) Move(by, count int) { s.To(s.Cursor+by, count) }

// To puts the cursor on a row, within count rows.
func (s *Scroll) To(row, count int) { s.Cursor = max(0, min(row, count-1)) }

// Window is the first and the last but one row to show in height rows.
func (s *Scroll) Window(count, height int) (from, to int) {
	s.To(s.Cursor, count)
	if s.Cursor < s.Offset {
		s.Offset = s.Cursor
	}
	if s.Cursor >= s.Offset+height {
		s.Offset = s.Cursor - height + 1
	}
	s.Offset = max(0, min(s.Offset, count-height))
	return s.Offset, min(count, s.Offset+height)
}
