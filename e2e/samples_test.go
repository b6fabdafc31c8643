package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/proctest"
)

// sample is an instruction to readers on a page. Comments in the page mark it:
//
//	<!-- run -->         the following code block runs in bash and must succeed
//	<!-- fails: 3 -->    it must end with this exit code
//	<!-- start -->       it runs until the end of the page, as in a separate terminal
//	<!-- file: NAME -->  it is the content of a file
//	<!-- run: COMMAND --> and <!-- start: COMMAND --> do what the text assumes
type sample struct {
	line int
	do   string // run, fails, start or file
	arg  string
	text string
}

var (
	marker   = regexp.MustCompile(`^\s*<!-- (run|fails|start|file)(?:: (.+))? -->$`)
	anyMark  = regexp.MustCompile(`<!-- *(run|fails|start|file)\b`)
	markable = regexp.MustCompile("^ *```(sh|yaml)?$")
)

// samplesOf returns the marked samples of a page, in order.
func samplesOf(tb testing.TB, page string) (all []sample) {
	tb.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		tb.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		m := marker.FindStringSubmatch(lines[i])
		if m == nil {
			if anyMark.MatchString(lines[i]) {
				tb.Errorf("%s:%d: this comment marks nothing: %s", page, i+1, lines[i])
			}
			continue
		}
		s := sample{line: i + 1, do: m[1], arg: m[2]}
		if s.arg != "" && (s.do == "run" || s.do == "start") {
			s.text = s.arg
			all = append(all, s)
			continue
		}
		if i++; i == len(lines) || !markable.MatchString(lines[i]) {
			tb.Fatalf("%s:%d: no code block follows", page, s.line)
		}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			s.text += lines[i] + "\n"
		}
		all = append(all, s)
	}
	return all
}

// The samples of the pages work. Each page has a directory, a home and a worker, and its samples run in order.
func TestSamplesOfThePages(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, page := range append(pages, "../README.md") {
		samples := samplesOf(t, page)
		if n += len(samples); len(samples) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			runSamples(t, page, samples)
		})
	}
	if n < 15 {
		t.Errorf("the pages have only %d samples that run", n)
	}
}

func runSamples(t *testing.T, page string, samples []sample) {
	t.Helper()
	m := newMixpanel(t, 30)
	dir := t.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "PWD=" + dir,
		"MP_USERNAME=" + username, "MP_SECRET=" + password, "MP_PROJECT_ID=" + strconv.Itoa(projectID), "MP_REGION=us",
		"MIXDUCK_MIXPANEL_BASE_URL=" + m.URL, "MIXDUCK_HTTP_LISTEN=off",
	}
	script := func(text string) []string {
		return []string{"-euo", "pipefail", "-c", fmt.Sprintf("cd %q\n%s", dir, text)}
	}
	for _, s := range samples {
		want := 0
		switch s.do {
		case "file":
			if err := os.WriteFile(filepath.Join(dir, s.arg), []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		case "start":
			proctest.Start(t, env, "bash", script("exec "+s.text)...)
			eventually(t, "the worker of the page answers", func() bool {
				return command(t, env, "bash", script("enqueue lanes")...).code == 0
			})
			continue
		case "fails":
			var err error
			if want, err = strconv.Atoi(s.arg); err != nil {
				t.Fatalf("%s:%d: %v", page, s.line, err)
			}
		}
		if r := command(t, env, "bash", script(s.text)...); r.code != want {
			t.Fatalf("%s:%d: exit code %d, want %d\n%s%s%s", page, s.line, r.code, want, s.text, r.stdout, r.stderr)
		}
	}
}
