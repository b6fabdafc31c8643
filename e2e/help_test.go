package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/help.md instead of comparing it")

// helpPage is the page with the help of every command, for readers and for review in a diff.
const helpPage = "../docs/help.md"

// help is the help of one command.
type help struct{ command, text string }

// allHelp returns the help of a command and its subcommands.
func allHelp(tb testing.TB, command string) []help {
	tb.Helper()
	r := commandLine(tb, command+" --help")
	if r.code != 0 || r.stderr != "" {
		tb.Fatalf("%s --help: exit code %d, stderr %q", command, r.code, r.stderr)
	}
	all := []help{{command, r.stdout}}
	_, list, found := strings.Cut(r.stdout, "\nCommands:\n")
	if !found {
		return all
	}
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		if name := strings.Fields(line)[0]; name != "help" {
			all = append(all, allHelp(tb, command+" "+name)...)
		}
	}
	return all
}

func commandLine(tb testing.TB, line string) result {
	tb.Helper()
	words := strings.Fields(line)
	return command(tb, nil, words[0], words[1:]...)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString("# Help\n\nThis page has the output of `--help` of every command.\nIt is generated: `go test ./e2e -run TestHelp -update` writes it.\n")
	flags := map[string][]string{}
	if _, err := lakeProgram(); err != nil { // puts it into PATH
		t.Fatal(err)
	}
	for _, program := range []string{"enqueue", "worker", "lake", "mp"} {
		for _, h := range allHelp(t, program) {
			page.WriteString("\n## `" + h.command + "`\n\n```\n" + h.text + "```\n")
			flags[h.command] = flagName.FindAllString(h.text, -1)
			for line := range strings.Lines(h.text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
					t.Errorf("%s --help has a line of %d columns: %s", h.command, n, line)
				}
			}
			if m := namelessValue.FindString(h.text); m != "" {
				t.Errorf("%s --help does not say what the value is: %s", h.command, m)
			}
			if _, examples, ok := strings.Cut(h.text, "\nExamples:\n"); !ok || !strings.Contains(examples, strings.Fields(h.command)[0]+" ") {
				t.Errorf("%s --help has no example", h.command)
			}
		}
	}
	if *update {
		if err := os.WriteFile(helpPage, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(helpPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), page.String()); diff != "" {
		t.Errorf("docs/help.md (-page +help); 'go test ./e2e -run TestHelp -update' writes it:\n%s", diff)
	}
	checkPages(t, flags)
}

var (
	namelessValue = regexp.MustCompile(`--[a-z-]+ (u?int(8|16|32|64)?|strings?|stringArray|float(32|64)|bools?|value)( |\n)`)

	flagName = regexp.MustCompile(`--[a-z][a-z-]*[a-z]`)
	called   = regexp.MustCompile("(?m)(?:^|`|[|] |[(] ?)((?:enqueue|worker|mp)(?: [^`\n]*)?)")
)

// checkPages reports commands and flags in the pages that no help has. flags are those of each command.
func checkPages(t *testing.T, flags map[string][]string) {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range append(pages, "../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllStringSubmatch(string(text), -1) {
			line, _, _ := strings.Cut(m[1], " #")
			words := strings.Fields(line)
			cmd := words[0]
			for _, w := range words[1:] {
				if _, ok := flags[cmd+" "+w]; !ok {
					break
				}
				cmd += " " + w
			}
			for _, f := range flagName.FindAllString(line, -1) {
				if n++; !known(flags, cmd, f) {
					t.Errorf("%s: %q: %s has no %s", name, line, cmd, f)
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("found only %d flags in the pages", n)
	}
}

// known reports whether a command or one of its subcommands has a flag.
func known(flags map[string][]string, command, flag string) bool {
	for name, all := range flags {
		if (name == command || strings.HasPrefix(name, command+" ")) && slices.Contains(all, flag) {
			return true
		}
	}
	return false
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"worker", "enqueue"} {
		if r := command(t, nil, program, "version"); r.code != 0 || !strings.HasPrefix(r.stdout, program+" ") || r.stderr != "" {
			t.Errorf("%s version: exit code %d, %q, %q", program, r.code, r.stdout, r.stderr)
		}
	}
}

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo loads 200,000 events")
	}
	t.Parallel()
	tmp := t.TempDir()
	r := command(t, []string{"TMPDIR=" + tmp, "HOME=" + t.TempDir()}, "worker", "demo")
	if r.code != 0 || !strings.Contains(r.stdout, "Checked: every day has exactly the rows of the simulated API.") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stdout, "Checked: the 3,000 profiles are those of the simulated API.") || !strings.Contains(r.stdout, "purchases") {
		t.Errorf("the demo lacks profiles or the join:\n%s", r.stdout)
	}
	_, next, found := strings.Cut(r.stdout, "To use your own project")
	if !found {
		t.Error("the demo does not say how to go on")
	}
	for line := range strings.Lines(next) {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("the demo ends with a line of %d columns: %s", n, line)
		}
	}
	left := 0
	if err := walkFiles(tmp, func(string) { left++ }); err != nil || left > 0 {
		t.Errorf("%d files are left (%v)", left, err)
	}
}
