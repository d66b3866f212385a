package main

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The size of a cell and the room around the screen, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 16
)

// paper is the background and the ink of a theme.
var paper = map[string][2]string{"dark": {"#16181d", "#d0d0d0"}, "light": {"#fdfdfb", "#303030"}}

// look is how a run of text is drawn.
type look struct {
	ink, ground   string // colours; empty for the terminal's own
	bold, reverse bool
	underline     bool
}

// run is text in one look, from a column on.
type run struct {
	look
	column, width int
	text          string
}

// svg draws a screen with its escapes as a picture. Runs of one look become one
// element, and blanks none, so the picture stays small.
func svg(screen string, width, height int, theme string) string {
	colours := paper[theme]
	w, h := float64(width)*cellWidth+2*margin, height*cellHeight+2*margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d">`+"\n", w, h, w, h)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", colours[0])
	fmt.Fprintf(&out, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" xml:space="preserve" fill="%s">`+"\n", colours[1])
	for row, line := range strings.Split(screen, "\n") {
		for _, r := range runs(line) {
			r.draw(&out, row, colours)
		}
	}
	out.WriteString("</g>\n</svg>\n")
	return out.String()
}

func (r run) draw(out *strings.Builder, row int, colours [2]string) {
	x, y := margin+float64(r.column)*cellWidth, margin+row*cellHeight
	ink, ground := r.ink, r.ground
	if r.reverse {
		ink, ground = colours[0], colours[1]
	}
	if ground != "" {
		fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, x, y, float64(r.width)*cellWidth, cellHeight, ground)
	}
	text := strings.TrimRight(r.text, " ")
	lead := len(text) - len(strings.TrimLeft(text, " "))
	text = text[lead:]
	if text == "" {
		return
	}
	attributes := ""
	if ink != "" {
		attributes += fmt.Sprintf(` fill="%s"`, ink)
	}
	if r.bold {
		attributes += ` font-weight="bold"`
	}
	if r.underline {
		attributes += ` text-decoration="underline"`
	}
	fmt.Fprintf(out, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`+"\n",
		x+float64(lead)*cellWidth, y+13, float64(ansi.StringWidth(text))*cellWidth, attributes, html.EscapeString(text))
}

// runs takes a line apart where its look changes.
func runs(line string) []run {
	var all []run
	current := run{}
	state := byte(0)
	for line != "" {
		sequence, width, n, next := ansi.DecodeSequence(line, state, nil)
		state, line = next, line[n:]
		if width > 0 {
			current.text += sequence
			current.width += width
			continue
		}
		if codes, ok := strings.CutPrefix(sequence, "\x1b["); ok && strings.HasSuffix(codes, "m") {
			if current.text != "" {
				all = append(all, current)
			}
			current = run{look: current.look, column: current.column + current.width}
			current.take(strings.TrimSuffix(codes, "m"))
		}
	}
	if current.text != "" {
		all = append(all, current)
	}
	return all
}

// take applies the codes of one escape.
func (l *look) take(codes string) {
	list := strings.Split(codes, ";")
	for i := 0; i < len(list); i++ {
		code, _ := strconv.Atoi(list[i])
		switch {
		case code == 0:
			*l = look{}
		case code == 1:
			l.bold = true
		case code == 4:
			l.underline = true
		case code == 7:
			l.reverse = true
		case (code == 38 || code == 48) && i+2 < len(list) && list[i+1] == "5":
			number, _ := strconv.Atoi(list[i+2])
			l.colour(code == 38, xterm(number))
			i += 2
		case code >= 30 && code <= 37 || code >= 90 && code <= 97:
			l.colour(true, xterm(code%10+8*(code/90)))
		case code == 39:
			l.ink = ""
		case code == 49:
			l.ground = ""
		}
	}
}

func (l *look) colour(ink bool, value string) {
	if ink {
		l.ink = value
		return
	}
	l.ground = value
}

var first16 = strings.Fields("#000000 #cd3131 #0dbc79 #e5e510 #2472c8 #bc3fbc #11a8cd #e5e5e5 #666666 #f14c4c #23d18b #f5f543 #3b8eea #d670d6 #29b8db #ffffff")

// xterm is a colour of the palette of 256.
func xterm(number int) string {
	switch {
	case number < 16:
		return first16[max(0, number)]
	case number >= 232:
		grey := 8 + 10*(number-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
	}
	number -= 16
	level := func(n int) int {
		if n == 0 {
			return 0
		}
		return 55 + 40*n
	}
	return fmt.Sprintf("#%02x%02x%02x", level(number/36), level(number/6%6), level(number%6))
}
