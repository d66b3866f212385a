package layout

import "testing"

// TestPanesStayInTheWindowAndApart goes through every size and every focus.
func TestPanesStayInTheWindowAndApart(t *testing.T) {
	for width := 1; width <= 400; width++ {
		for _, height := range []int{1, 15, 16, 17, 24, 40, 120} {
			for _, focus := range []Pane{Form, Tree, File, Rail} {
				for _, in := range []Input{
					{Width: width, Height: height, Focus: focus},
					{Width: width, Height: height, Focus: focus, Review: true},
					{Width: width, Height: height, Focus: focus, Wide: true},
				} {
					check(t, in)
				}
			}
		}
	}
}

func check(t *testing.T, in Input) {
	t.Helper()
	screen := Of(in)
	if screen.TooSmall != (in.Width < MinWidth || in.Height < MinHeight) {
		t.Fatalf("%+v: too small is %v", in, screen.TooSmall)
	}
	var shown []Rect
	for _, r := range []Rect{screen.Rail, screen.Form, screen.Tree, screen.File} {
		if r.Shown() {
			shown = append(shown, r)
		}
	}
	if !screen.TooSmall && len(shown) == 0 {
		t.Fatalf("%+v: nothing is shown", in)
	}
	for i, r := range shown {
		if r.X < 0 || r.Y < headHeight || r.X+r.Width > in.Width || r.Y+r.Height > in.Height-footHeight || r.Width < 14 {
			t.Fatalf("%+v: %+v leaves the window or is too narrow", in, r)
		}
		for _, other := range shown[i+1:] {
			if r.X < other.X+other.Width && other.X < r.X+r.Width && r.Y < other.Y+other.Height && other.Y < r.Y+r.Height {
				t.Fatalf("%+v: %+v and %+v overlap", in, r, other)
			}
		}
	}
}
