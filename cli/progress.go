package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// progressEvery bounds how often the line is drawn.
const progressEvery = 50 * time.Millisecond

// progress draws one line that is overwritten, on a terminal only.
type progress struct {
	out   io.Writer // nil: no terminal
	last  time.Time
	width int
}

func newProgress(out io.Writer) *progress {
	if !isTerminal(out) {
		return &progress{}
	}
	return &progress{out: out}
}

func (p *progress) step(done, total int, _ string) {
	p.show(fmt.Sprintf("Writing … %d %%", 100*done/max(total, 1)), done == total)
}

// show overwrites the line; the last one is always drawn.
func (p *progress) show(line string, last bool) {
	if p.out == nil || (!last && time.Since(p.last) < progressEvery) {
		return
	}
	p.last = time.Now()
	width := utf8.RuneCountInString(line)
	fmt.Fprintf(p.out, "\r%s%s", line, strings.Repeat(" ", max(0, p.width-width)))
	p.width = width
}

func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width))
	}
}
