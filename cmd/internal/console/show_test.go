package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"mixduck/internal/cli"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

// scan reads rows, in which nil is NULL; the columns are name:TYPE.
func scan(t *testing.T, columns []string, rows ...[]any) *rowScanner {
	t.Helper()
	s, err := newRowScanner(strings.NewReader(content(t, columns, rows...)), int64(len(rows)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// content is an answer in the format [Rows].
func content(t *testing.T, columns []string, rows ...[]any) string {
	t.Helper()
	var head struct {
		Columns []Column `json:"columns"`
	}
	for _, c := range columns {
		name, kind, _ := strings.Cut(c, ":")
		head.Columns = append(head.Columns, Column{name, kind})
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	for _, line := range append([]any{head}, anys(rows)...) {
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func anys(rows [][]any) (all []any) {
	for _, r := range rows {
		all = append(all, r)
	}
	return all
}

func TestGrid(t *testing.T) {
	t.Parallel()
	columns := []string{"event:VARCHAR", "n:BIGINT", "note:JSON"}
	rows := [][]any{
		{"退会", "9007199254740993", `{"a": "a long text that nobody wants to see in a narrow terminal"}`},
		{"Übersicht", nil, ""},
		{"two\nlines\x1b[31m", "-1", nil},
	}
	tests := []struct {
		name  string
		width int
		want  string
	}{
		{"as wide as it is", 0, `event                          n  note
退会            9007199254740993  {"a": "a long text that nobody wants to see in a narrow terminal"}
Übersicht                   NULL
two lines [31m                -1  NULL
`},
		{"80 columns", 80, `event                          n  note
退会            9007199254740993  {"a": "a long text that nobody wants to see i…
Übersicht                   NULL
two lines [31m                -1  NULL
`},
		{"40 columns", 40, `event                  n  note
退会      9007199254740…  {"a": "a long…
Übersic…            NULL
two lin…              -1  NULL
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := writeGrid(&b, scan(t, columns, rows...), tt.width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := wording.Columns(strings.TrimSuffix(line, "\n")); tt.width > 0 && n > tt.width {
					t.Errorf("%q takes %d columns", line, n)
				}
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := writePlain(&b, scan(t, []string{"a:VARCHAR", "b:VARCHAR"}, []any{"x\ty\\\n", nil}, []any{"", "z"})); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "x\\ty\\\\\\n\t\n\tz\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	rows := scan(t, []string{"table_name:VARCHAR", "day:DATE", "state:VARCHAR", "row_count:BIGINT", "quarantined:BIGINT"},
		[]any{"events", "2025-10-30", "complete", "5", "0"}, []any{"events", "2025-10-31", "complete", "5", "2"},
		[]any{"events", "2025-11-03", "partial", "1", "0"}, []any{"other", "2025-01-01", "unavailable", "0", "0"},
		[]any{"other", "2025-01-02", "complete", "1", "0"})
	var b strings.Builder
	if err := drawCalendar(&b, rows, 0); err != nil {
		t.Fatal(err)
	}
	want := `events: 2025-10-30..2025-11-03, 2 days stored, 1 partial, 2 missing
2025-10                               █!
2025-11  ··▒

other: 2025-01-01..2025-01-02, 1 day stored, 0 partial, 0 missing, 1 unavailable
2025-01  ×█

█ stored  ▒ partial  ! with lines in quarantine  · missing  × unavailable
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// answers is a reader with one answer.
type answers struct {
	content string
	asked   *Question
}

func (a answers) Today(context.Context) (day.Day, error) { return 0, nil }

func (a answers) Read(_ context.Context, q Question) (*Answer, error) {
	*a.asked = q
	return &Answer{Rows: 1, Truncated: q.Limit == 1, Content: io.NopCloser(strings.NewReader(a.content))}, nil
}

// broken is a pipe with a closed reading end.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// ask asks a question and returns the output.
func ask(t *testing.T, r Reader, f *ResultFlags, stdout io.Writer) (stderr string, err error) {
	t.Helper()
	var errs strings.Builder
	a := &App{Process: &cli.Process{Stdout: stdout, Stderr: &errs}, Now: time.Now}
	err = a.ask(t.Context(), r, Question{SQL: "SELECT 1"}, f, nil)
	return errs.String(), err
}

// flagsOf returns the flags for an answer.
func flagsOf(format string, more ...string) *ResultFlags {
	var f ResultFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Add(flags)
	if err := flags.Parse(append([]string{"--format", format}, more...)); err != nil {
		panic(err)
	}
	return &f
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags *ResultFlags
		want  int64
	}{
		{flagsOf(FormatTable), usualRows},
		{flagsOf(FormatPlain), 0},
		{flagsOf(FormatTable, "--limit", "0"), 0},
		{flagsOf("csv", "--limit", "7"), 7},
		{&ResultFlags{Format: &Choice{Value: FormatTable}}, 0}, // where there is no terminal
	} {
		var q Question
		if err := tt.flags.apply(&q, io.Discard); err != nil || q.Limit != tt.want {
			t.Errorf("%s: limit %d, %v, want %d", tt.flags.Format, q.Limit, err, tt.want)
		}
	}
	if err := flagsOf("csv", "--limit", "-1").apply(&Question{}, io.Discard); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("a negative limit: %v, want a usage error", err)
	}
}

// A prompt or the input of a statement can be interrupted.
func TestInterruptedWhileTyping(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdin, keyboard := io.Pipe() // nobody types on it
	defer keyboard.Close()
	f := QueryFlags{file: "-"}
	if _, err := f.question(ctx, nil, stdin, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the end of the context", err)
	}
}

func TestStatementsOfWindows(t *testing.T) {
	t.Parallel()
	f := QueryFlags{file: "-"}
	if q, err := f.question(t.Context(), nil, strings.NewReader("\ufeffSELECT 1\r\n"), 0); err != nil || q.SQL != "SELECT 1\r\n" {
		t.Errorf("a statement after a byte order mark: %q, %v", q.SQL, err)
	}
	if _, err := f.question(t.Context(), nil, strings.NewReader("\xff\xfeS\x00"), 0); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v, want a usage error that says so", err)
	}
}

func TestATableHasALimit(t *testing.T) {
	t.Parallel()
	var asked Question
	var out strings.Builder
	stderr, err := ask(t, answers{content(t, []string{"a:INTEGER"}, []any{"1"}), &asked}, flagsOf(FormatTable), &out)
	if err != nil || out.String() != "a\n1\n" || stderr != "1 row\n" || asked.Limit != usualRows || asked.Format != Rows {
		t.Errorf("%q, %q, %v; asked %+v", out.String(), stderr, err, asked)
	}
}

func TestOtherFormatsPassAsTheyCome(t *testing.T) {
	t.Parallel()
	var asked Question
	var out strings.Builder
	stderr, err := ask(t, answers{"a\n1\n", &asked}, flagsOf("csv"), &out)
	if err != nil || out.String() != "a\n1\n" || stderr != "" || asked.Limit != 0 || asked.Format != "csv" {
		t.Errorf("%q, %q, %v; asked %+v", out.String(), stderr, err, asked)
	}
	f := flagsOf("csv", "--limit", "1")
	if stderr, err := ask(t, answers{"a\n1\n", &asked}, f, io.Discard); err != nil || !strings.Contains(stderr, "there are more") {
		t.Errorf("with a limit: %q, %v", stderr, err)
	}
}

func TestAPipeThatIsClosedIsNoError(t *testing.T) {
	t.Parallel()
	var asked Question
	rows := content(t, []string{"a:INTEGER"}, []any{"1"})
	for _, format := range []string{FormatTable, FormatPlain, "csv"} {
		if _, err := ask(t, answers{rows, &asked}, flagsOf(format), broken{}); err != nil {
			t.Errorf("as %s: %v", format, err)
		}
	}
	if _, err := ask(t, answers{strings.TrimSuffix(rows, "\"]\n"), &asked}, flagsOf(FormatPlain), io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer that is cut off: %v", err)
	}
}

func TestOutputFiles(t *testing.T) {
	t.Parallel()
	var asked Question
	dir := t.TempDir()
	f := flagsOf("csv")
	f.output = filepath.Join(dir, "rows.csv")
	write := func(text string) error {
		_, err := ask(t, answers{text, &asked}, f, io.Discard)
		return err
	}
	if err := write("one"); err != nil {
		t.Fatal(err)
	}
	if err := write("two"); fault.CodeOf(err) != fault.CodeExists {
		t.Errorf("over a file: %v, want that it exists", err)
	}
	f.force = true
	if err := write("three"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.output)
	if err != nil || string(b) != "three" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	f.output = filepath.Join(dir, "none", "rows.csv")
	if err := write("four"); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("into no directory: %v, want a usage error", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
