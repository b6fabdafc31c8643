package suite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/suite"
	"mixduck/internal/fault"
)

// ran runs a command line of a program with one command, and returns the output.
func ran(startedAs string, args ...string) (string, error) {
	var out bytes.Buffer
	root := &cobra.Command{Use: "enqueue", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(&cobra.Command{
		Use: "fetch", Short: "Fetch events", Example: "  enqueue fetch\n  mp fetch", Run: func(*cobra.Command, []string) {},
	})
	suite.Join(root, startedAs)
	root.SetArgs(args)
	root.SetOut(&out)
	err := root.Execute()
	return out.String(), err
}

func TestCommandsAreShownAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, startedAs, want string }{
		{"started by mixduck", "mixduck enqueue", "Usage:\n  mixduck enqueue fetch [flags]\n\nExamples:\n  mixduck enqueue fetch\n  mixduck mp fetch\n"},
		{"started alone", "/usr/local/bin/enqueue", "Usage:\n  enqueue fetch [flags]\n\nExamples:\n  enqueue fetch\n  mp fetch\n"},
		{"in a directory called mixduck", "/opt/mixduck enqueue/enqueue", "Usage:\n  enqueue fetch [flags]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ran(tt.startedAs, "fetch", "--help")
			if err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("help = %q, %v, want it to contain %q", got, err, tt.want)
			}
		})
	}
}

func TestHintsAreShownAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for hint, want := range map[string]string{
		"enqueue jobs list shows the ids":                                    "mixduck enqueue jobs list shows the ids",
		"run 'worker run --data-dir /data'":                                  "run 'mixduck worker run --data-dir /data'",
		"run 'mp query' after the fetch":                                     "run 'mixduck mp query' after the fetch",
		"use 'enqueue jobs wait X' to follow it, or 'enqueue jobs cancel X'": "use 'mixduck enqueue jobs wait X' to follow it, or 'mixduck enqueue jobs cancel X'",
		"mixduck enqueue jobs wait X, or mixduck enqueue jobs cancel X":      "mixduck enqueue jobs wait X, or mixduck enqueue jobs cancel X",
		"restart the worker, and the worker stops":                           "restart the worker, and the worker stops",
		"/usr/bin/enqueue jobs list":                                         "/usr/bin/enqueue jobs list",
		"enqueue jobsX list":                                                 "enqueue jobsX list",
		"":                                                                   "",
	} {
		if got := suite.Spell("mixduck enqueue", hint); got != want {
			t.Errorf("Spell(%q) = %q, want %q", hint, got, want)
		}
		if got := suite.Spell("/usr/bin/enqueue", hint); got != hint {
			t.Errorf("started by its own name, Spell(%q) = %q", hint, got)
		}
	}
}

// The page with all help lists all commands.
func TestEachCommandIsSpelled(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/help.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?m)^## `((?:enqueue|worker|mp) [a-z]+)").FindAllStringSubmatch(string(page), -1)
	if len(found) < 20 {
		t.Fatalf("%d commands in the page", len(found))
	}
	for _, m := range found {
		if got := suite.Spell("mixduck mp", m[1]); got != "mixduck "+m[1] {
			t.Errorf("Spell(%q) = %q", m[1], got)
		}
	}
}

func TestManual(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := ran("enqueue", "manual", dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"mixduck-enqueue.1":       "mixduck-enqueue-fetch(1)",
		"mixduck-enqueue-fetch.1": "mixduck enqueue fetch [flags]",
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if text := strings.ReplaceAll(string(page), `\`, ""); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s has no %q (%v):\n%s", name, want, err, page)
		}
	}
	if help, err := ran("enqueue", "--help"); err != nil || strings.Contains(help, "manual") {
		t.Errorf("help = %q, %v, want no word of the hidden command", help, err)
	}
}

func TestManualNeedsADirectory(t *testing.T) {
	t.Parallel()
	if _, err := ran("enqueue", "manual"); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("error = %v, want one of usage", err)
	}
	if _, err := ran("enqueue", "manual", filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("pages were written into a directory that does not exist")
	}
}
