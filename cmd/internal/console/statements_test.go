package console

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/cli"
	"mixduck/internal/fault"
)

func TestStatements(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.sql")
	if err := os.WriteFile(file, []byte("SELECT 2"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		flags QueryFlags
		args  []string
		want  string // "" is a usage error
	}{
		{"an argument", QueryFlags{}, []string{"SELECT 1"}, "SELECT 1"},
		{"a file", QueryFlags{file: file}, nil, "SELECT 2"},
		{"stdin", QueryFlags{file: "-"}, nil, "SELECT 3"},
		{"both", QueryFlags{file: file}, []string{"SELECT 1"}, ""},
		{"nothing", QueryFlags{}, nil, ""},
		{"a blank", QueryFlags{}, []string{" "}, ""},
		{"no file", QueryFlags{file: file + "x"}, nil, ""},
		{"a parameter", QueryFlags{params: []string{"a=b=c"}}, []string{"SELECT $a"}, "SELECT $a"},
		{"a parameter without a value", QueryFlags{params: []string{"a"}}, []string{"SELECT $a"}, ""},
		{"a parameter given twice", QueryFlags{params: []string{"a=1", "a=2"}}, []string{"SELECT $a"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, err := tt.flags.question(t.Context(), tt.args, strings.NewReader("SELECT 3"), 0)
			switch {
			case tt.want == "" && fault.CodeOf(err) != fault.CodeUsage:
				t.Errorf("question() = %+v, %v, want a usage error", q, err)
			case tt.want != "" && (err != nil || q.SQL != tt.want):
				t.Errorf("question() = %q, %v, want %q", q.SQL, err, tt.want)
			}
		})
	}
}

// The output is compared with the row count of the query.
func TestRowsThatAreMissingOrTooMany(t *testing.T) {
	t.Parallel()
	text := content(t, []string{"a:INTEGER"}, []any{"1"}, []any{"2"})
	for _, format := range []string{FormatTable, FormatPlain} {
		for _, rows := range []int64{0, 1, 3} {
			var out strings.Builder
			file := filepath.Join(t.TempDir(), "rows")
			for _, output := range []string{"", file} {
				a := &App{Process: &cli.Process{Stdout: &out, Stderr: io.Discard}}
				f := &ResultFlags{Format: &Choice{Value: format}, output: output}
				err := a.Show(&Answer{Rows: rows, Content: io.NopCloser(strings.NewReader(text))}, f)
				if fault.CodeOf(err) != fault.CodeFailed {
					t.Errorf("2 rows in place of %d, as %s: %v, want an error", rows, format, err)
				}
			}
			if format == FormatTable && out.Len() > 0 {
				t.Errorf("2 rows in place of %d: %q was printed before the error", rows, out.String())
			}
			if _, err := os.Stat(file); err == nil {
				t.Errorf("2 rows in place of %d: the file is there", rows)
			}
		}
	}
}
