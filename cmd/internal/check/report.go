// Package check reports whether a setup works, one line per check. It defines the form of a report and the checks of a
// queue; package local checks this machine and Mixpanel.
package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

// State is the outcome of one check.
type State string

// The outcomes.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failed  State = "failed"
	Skipped State = "skipped" // cannot be checked here or now
)

// Result is a line of a report. Fields are only ever added.
type Result struct {
	Name  string     `json:"name"`
	State State      `json:"state"`
	Text  string     `json:"text"`
	Cure  string     `json:"cure"` // "" if there is nothing to do
	Code  fault.Code `json:"code"` // of a failure, otherwise ""
}

// Good returns a passed check.
func Good(name, format string, args ...any) Result {
	return Result{Name: name, State: OK, Text: fmt.Sprintf(format, args...)}
}

// Warn returns a check that found something noteworthy.
func Warn(name, cure, format string, args ...any) Result {
	return Result{Name: name, State: Warning, Text: fmt.Sprintf(format, args...), Cure: cure}
}

// Skip returns a check that was not performed.
func Skip(name, cure, format string, args ...any) Result {
	return Result{Name: name, State: Skipped, Text: fmt.Sprintf(format, args...), Cure: cure}
}

// Fail returns a failed check. Its cure is the error's hint.
func Fail(name string, err error) Result {
	return Result{Name: name, State: Failed, Text: err.Error(), Cure: fault.HintOf(err), Code: fault.CodeOf(err)}
}

// line returns the result as one line of text.
func (r Result) line() string {
	text := fmt.Sprintf("%-7s  %s: %s", r.State, r.Name, r.Text)
	if r.Cure != "" {
		text += "; try: " + r.Cure
	}
	return wording.Printable(strings.ReplaceAll(text, "\n", "; "))
}

// report is the content of --format json. Fields are only ever added.
type report struct {
	OK     bool     `json:"ok"`
	Checks []Result `json:"checks"`
}

// Print prints the results. It returns an error if a check has failed: the first one about credentials, otherwise the
// first one.
func Print(app *console.App, format string, all []Result) error {
	err := worst(all)
	if format == console.FormatJSON {
		return errors.Join(app.PrintJSON(report{OK: err == nil, Checks: all}), err)
	}
	for _, r := range all {
		r.Cure = app.Spell(r.Cure)
		if err := app.PrintLine(r.line()); err != nil {
			return err
		}
	}
	return err
}

func worst(all []Result) error {
	var failed []Result
	for _, r := range all {
		if r.State == Failed {
			failed = append(failed, r)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	code := failed[0].Code
	if slices.ContainsFunc(failed, func(r Result) bool { return r.Code == fault.CodeAuth }) {
		code = fault.CodeAuth
	}
	return fault.New(cmp.Or(code, fault.CodeFailed), "", "%d of %s failed", len(failed), wording.Counted(int64(len(all)), "check"))
}
