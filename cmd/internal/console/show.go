package console

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mixduck/internal/wording"
)

// ask asks the question and shows the answer as the flags say. draw replaces the usual table; it may be nil.
func (a *App) ask(ctx context.Context, r Reader, q Question, f *ResultFlags, draw func(io.Writer, *rowScanner, int) error) error {
	if err := f.apply(&q, a.Process.Stdout); err != nil {
		return err
	}
	answer, err := r.Read(ctx, q)
	if err != nil || answer == nil {
		return err
	}
	return a.show(answer, f, draw)
}

// ShowQuery runs a statement and shows its rows, as a table if the format is [FormatText].
func (a *App) ShowQuery(ctx context.Context, r Reader, sql, format string, quiet bool) error {
	f := ResultFlags{Format: &Choice{Value: format}, quiet: quiet}
	if format == FormatText {
		f.Format.Value, f.limit = FormatTable, usualRows
	}
	return a.ask(ctx, r, Question{SQL: sql}, &f, nil)
}

// Show writes an answer in the format that f requests from backends, and closes it.
func (a *App) Show(answer *Answer, f *ResultFlags) error { return a.show(answer, f, nil) }

func (a *App) show(answer *Answer, f *ResultFlags, draw func(io.Writer, *rowScanner, int) error) (err error) {
	defer func() { err = errors.Join(err, answer.Content.Close()) }()
	if draw == nil {
		draw = writeGrid
	}
	err = f.write(a.Process.Stdout, func(w io.Writer) error {
		if f.content() != Rows {
			_, err := io.Copy(w, answer.Content)
			return err
		}
		rows, err := newRowScanner(answer.Content, answer.Rows)
		switch {
		case err != nil:
			return err
		case f.Format.Value == FormatPlain:
			return writePlain(w, rows)
		case isPlan(rows.columns):
			return writePlan(w, rows)
		}
		width, _ := TerminalWidth(w)
		return draw(w, rows, width)
	})
	if err == nil {
		a.tell(answer, f)
	}
	return err
}

// tell prints on stderr what the rows do not show.
func (a *App) tell(answer *Answer, f *ResultFlags) {
	if f.quiet {
		return
	}
	switch {
	case answer.Truncated:
		fmt.Fprintf(a.Process.Stderr, "the first %s; there are more (--limit 0 shows all)\n", wording.Counted(answer.Rows, "row"))
	case f.Format.Value == FormatTable:
		fmt.Fprintf(a.Process.Stderr, "%s\n", wording.Counted(answer.Rows, "row"))
	}
}
