package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"golang.org/x/term"

	"mixduck/internal/wording"
)

// PrintLine writes a line of output for people. It ignores a closed pipe.
func (a *App) PrintLine(s string) error { return a.Print(s + "\n") }

// Warnings splits the warnings of a fetch, which are the lines of the text.
func Warnings(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// Warn prints the warnings of a fetch on stderr.
func (a *App) Warn(text string) {
	for _, w := range Warnings(text) {
		fmt.Fprintf(a.Process.Stderr, "warning: %s\n", w)
	}
}

// PrintJSON writes v as a line of JSON.
func (a *App) PrintJSON(v any) error {
	enc := json.NewEncoder(writer(a.write))
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Print writes s for people, as [wording.Text]. It ignores a closed pipe.
func (a *App) Print(s string) error { return a.write(wording.Text(s)) }

// Export writes s unchanged, for a file, or for people if the output is a terminal.
func (a *App) Export(s string) error {
	if _, terminal := TerminalWidth(a.Process.Stdout); terminal {
		return a.Print(s)
	}
	return a.write(s)
}

// write writes s unchanged.
func (a *App) write(s string) error {
	if _, err := io.WriteString(a.Process.Stdout, s); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// writer adapts a function to [io.Writer].
type writer func(string) error

func (w writer) Write(p []byte) (int, error) { return len(p), w(string(p)) }

// TerminalWidth returns the number of columns of a terminal, or false if stream is not a terminal.
func TerminalWidth(stream any) (int, bool) {
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return usualWidth, true
	}
	return width, true
}

const usualWidth = 80
