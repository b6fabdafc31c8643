package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/term"
)

// printLine writes a line of result. A reader that has gone is no error.
func (a *app) printLine(s string) error { return a.print(s + "\n") }

// printJSON writes v as a line of JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(writer(a.print))
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func (a *app) print(s string) error {
	if _, err := io.WriteString(a.process.Stdout, s); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// writer makes a function an [io.Writer].
type writer func(string) error

func (w writer) Write(p []byte) (int, error) { return len(p), w(string(p)) }

// terminalWidth returns how many columns the terminal behind w has, or false if there is none.
func terminalWidth(w io.Writer) (int, bool) {
	f, ok := w.(interface{ Fd() uintptr })
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
