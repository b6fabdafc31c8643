package console

import (
	"fmt"
	"io"

	"mixduck/internal/wording"
)

// Bar shows progress in a line of the terminal. It shows nothing if stderr is not a terminal or drawing is disabled.
// It is used by one goroutine.
type Bar struct {
	w     io.Writer // nil shows nothing
	drawn string
}

// ClearLine moves to the start of the line and erases it.
const ClearLine = "\r\x1b[K"

// NewBar returns a bar on stderr.
func (a *App) NewBar(quiet bool) *Bar {
	_, terminal := TerminalWidth(a.Process.Stderr)
	if quiet || !terminal || a.Process.Getenv("NO_COLOR") != "" || a.Process.Getenv("TERM") == "dumb" {
		return &Bar{}
	}
	return &Bar{w: Raw(a.Process.Stderr)}
}

// Show draws the line if it has changed.
func (b *Bar) Show(line string) {
	if b.w == nil || line == b.drawn {
		return
	}
	width, _ := TerminalWidth(b.w) // the terminal may have been resized; some wrap when the last column is used
	fmt.Fprint(b.w, ClearLine, wording.Cut(wording.Printable(line), max(1, width-1)))
	b.drawn = line
}

// Clear erases the line.
func (b *Bar) Clear() {
	if b.w != nil && b.drawn != "" {
		fmt.Fprint(b.w, ClearLine)
		b.drawn = ""
	}
}
