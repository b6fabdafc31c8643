package console

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mixduck/internal/cli"
	"mixduck/internal/fault"
)

// attack contains what a terminal would obey: colors, a cleared screen, a title, 8-bit sequences, a carriage return,
// backspaces, and marks that reverse a line.
const attack = "a\x1b[2J\x1b]0;owned\x07b\u009b31mc\rd\x08e\x7f\u202ef\u2066\x9bg"

// obeyed reports whether a text contains anything that a terminal would obey.
func obeyed(s string) bool {
	return strings.ContainsAny(s, "\x1b\x07\r\x08\x7f\u009b\u202e\u2066") || strings.Contains(s, "\x9bg")
}

// Data in output for people reaches the terminal only as text.
func TestNoDataControlsTheTerminal(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	a := &App{Process: &cli.Process{Name: "x", Args: []string{"run"}, Stdout: &stdout, Stderr: &stderr}, Now: time.Now}
	root := &cobra.Command{Use: "x"}
	root.AddCommand(&cobra.Command{Use: "run", RunE: func(c *cobra.Command, _ []string) error {
		a.Warn(attack)
		fmt.Fprintln(a.Process.Stderr, attack)
		fmt.Fprintln(c.ErrOrStderr(), attack)
		slog.New(slog.NewTextHandler(a.Process.Stderr, nil)).Info("x", slog.String("event", attack), slog.Any("err", errors.New(attack)))
		a.NewBar(false).Show(attack)
		if err := errors.Join(a.Print(Table([][]string{{attack}, {attack}}, 80)), a.PrintLine("one\t"+attack+"\ntwo")); err != nil {
			return err
		}
		return fault.Usage(attack, "error from a server: %s", attack)
	}})
	if code := a.Run(t.Context(), root); code != 3 {
		t.Errorf("exit code %d", code)
	}
	for name, got := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String()} {
		if obeyed(got) {
			t.Errorf("%s = %q", name, got)
		}
	}
	if !strings.Contains(stderr.String(), "\nerror: error from a server: a [2J ]0;owned b 31mc d e f") || !strings.Contains(stderr.String(), "\ntry: a [2J") {
		t.Errorf("stderr = %q", stderr.String())
	}
	if !strings.Contains(stdout.String(), "one\ta [2J") || !strings.HasSuffix(stdout.String(), "\ntwo\n") {
		t.Errorf("stdout = %q: line ends and tabs are gone", stdout.String())
	}
}

func TestErrorsNameCommandsAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"mixduck enqueue": "error: no id\ntry: mixduck enqueue jobs list\n", "/usr/bin/enqueue": "error: no id\ntry: enqueue jobs list\n",
	} {
		var stderr strings.Builder
		a := &App{Process: &cli.Process{Name: name, Stderr: &stderr}}
		if code := a.Fail(fmt.Errorf("no id%w", fault.Usage("enqueue jobs list", ""))); code != 3 || stderr.String() != want {
			t.Errorf("as %s: exit code %d, %q", name, code, stderr.String())
		}
	}
}

func TestTablesShowNoControlCharacters(t *testing.T) {
	t.Parallel()
	columns := []string{"name\x1b[31m:VARCHAR"}
	for _, format := range []string{FormatTable, FormatPlain} {
		var asked Question
		var out strings.Builder
		if _, err := ask(t, answers{content(t, columns, []any{attack}), &asked}, flagsOf(format), &out); err != nil || obeyed(out.String()) {
			t.Errorf("%s: %q, %v", format, out.String(), err)
		}
	}
	var asked Question
	var out strings.Builder
	plan := content(t, []string{"explain_key:VARCHAR", "explain_value:VARCHAR"}, []any{"physical_plan", "┌──┐\n│" + attack + "│\n"})
	if _, err := ask(t, answers{plan, &asked}, flagsOf(FormatTable), &out); err != nil || obeyed(out.String()) || !strings.HasPrefix(out.String(), "┌──┐\n│a [2J") {
		t.Errorf("plan: %q, %v", out.String(), err)
	}
}

// Programs get exactly the stored data.
func TestMachineFormatsStayExact(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "jsonl", FormatJSON, parquet, arrow} {
		var asked Question
		var out strings.Builder
		if _, err := ask(t, answers{attack, &asked}, flagsOf(format), &out); err != nil || out.String() != attack {
			t.Errorf("%s: %q, %v", format, out.String(), err)
		}
	}
	var out strings.Builder
	a := &App{Process: &cli.Process{Stdout: &out}}
	if err := a.PrintJSON("\x7f\u009b\u202e"); err != nil || out.String() != "\"\x7f\u009b\u202e\"\n" {
		t.Errorf("JSON: %q, %v", out.String(), err)
	}
}

func TestEscaped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"données 日本 👩":              "données 日本 👩",
		"a\tb\nc\rd\\e":             `a\tb\nc\rd\\e`,
		"\x1b[31m\x00\x7f\u009b":    `\x1b[31m\x00\x7f\u009b`,
		"\u202eabc\u200d\U000e0001": `\u202eabc\u200d\U000e0001`,
	} {
		if got := escaped(in); got != want {
			t.Errorf("escaped(%q) = %s, want %s", in, got, want)
		}
	}
}
