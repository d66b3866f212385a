// Package layout divides the window among the panes. It is pure: sizes in,
// rectangles out, in cells.
package layout

// The smallest window that the wizard can be used in.
const (
	MinWidth  = 60
	MinHeight = 16
)

// The widths at which a pane more fits.
const (
	twoPanes   = 80
	threePanes = 120
	railWidth  = 22
	headHeight = 2 // title and rule
	footHeight = 2 // status and hints
)

// Pane names a part of the window that can have the focus.
type Pane int

// The panes, in the order in which the focus moves.
const (
	Form Pane = iota
	Tree
	File
	Rail
)

// Rect is a part of the window; a zero Width or Height means not shown.
type Rect struct{ X, Y, Width, Height int }

// Shown tells whether the rectangle has any cells.
func (r Rect) Shown() bool { return r.Width > 0 && r.Height > 0 }

// Contains tells whether the cell is inside.
func (r Rect) Contains(x, y int) bool {
	return x >= r.X && x < r.X+r.Width && y >= r.Y && y < r.Y+r.Height
}

// Screen is where everything is.
type Screen struct {
	Width, Height          int
	TooSmall               bool
	Rail, Form, Tree, File Rect
}

// Input is what the division depends on.
type Input struct {
	Width, Height int
	Focus         Pane // which pane is shown where only one fits
	Review        bool // the tree and the file take the form's place too
	Wide          bool // no preview: the form takes everything (start, commit, done)
	Zoom          bool // the file, while it has the focus, takes everything
}

// Of divides the window. One column is kept free between panes.
func Of(in Input) Screen {
	screen := Screen{Width: in.Width, Height: in.Height}
	if in.Width < MinWidth || in.Height < MinHeight {
		screen.TooSmall = true
		return screen
	}
	body := Rect{X: 0, Y: headHeight, Width: in.Width, Height: in.Height - headHeight - footHeight}
	if in.Zoom && in.Focus == File && !in.Wide {
		screen.File = body
		return screen
	}
	if in.Width >= threePanes {
		screen.Rail, body = splitColumn(body, railWidth)
	}
	switch {
	case in.Width < twoPanes:
		return single(screen, body, in)
	case in.Wide:
		screen.Form = body
	case in.Review:
		screen.Tree, screen.File = splitColumn(body, clamp(body.Width*35/100, 24, 48))
	default:
		var preview Rect
		screen.Form, preview = splitColumn(body, clamp(body.Width/2, 40, 72))
		screen.Tree, screen.File = splitPreview(preview)
	}
	return railOver(screen, in)
}

// single shows the pane that has the focus and nothing else.
func single(screen Screen, body Rect, in Input) Screen {
	switch {
	case in.Focus == Rail:
		screen.Rail = body
	case in.Wide || in.Focus == Form && !in.Review:
		screen.Form = body
	case in.Focus == File:
		screen.File = body
	default:
		screen.Tree = body
	}
	return screen
}

// railOver lends the rail the left pane's place where there is no room for both.
func railOver(screen Screen, in Input) Screen {
	if in.Focus != Rail || screen.Rail.Shown() {
		return screen
	}
	if screen.Form.Shown() {
		screen.Rail, screen.Form = screen.Form, Rect{}
	} else {
		screen.Rail, screen.Tree = screen.Tree, Rect{}
	}
	return screen
}

// splitPreview puts the tree beside the file where there is room, else above it.
func splitPreview(r Rect) (tree, file Rect) {
	if r.Width >= 100 {
		return splitColumn(r, r.Width*34/100)
	}
	height := clamp(r.Height*2/5, 5, 16)
	tree, file = r, r
	tree.Height = height
	file.Y, file.Height = r.Y+height, r.Height-height
	return tree, file
}

func splitColumn(r Rect, width int) (left, right Rect) {
	left, right = r, r
	left.Width = width
	right.X, right.Width = r.X+width+1, r.Width-width-1
	return left, right
}

func clamp(value, low, high int) int { return max(low, min(value, high)) }
