package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// PrintLine writes a line of result for people. A reader that has gone is no error.
func (a *App) PrintLine(s string) error { return a.Print(s + "\n") }

// Warnings returns the warnings of a fetch, of which each is a line of the text.
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

// Print writes s, which is for people, as [Text]. A reader that has gone is no error.
func (a *App) Print(s string) error { return a.write(Text(s)) }

// write writes s as it is.
func (a *App) write(s string) error {
	if _, err := io.WriteString(a.Process.Stdout, s); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// writer makes a function an [io.Writer].
type writer func(string) error

func (w writer) Write(p []byte) (int, error) { return len(p), w(string(p)) }

// TerminalWidth returns how many columns the terminal behind a stream has, or false if there is none.
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
