package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
)

// program prints how it was started.
const program = "#!/bin/sh\nprintf '%s|' \"$(basename \"$0\")\" \"$@\" \"$MIXDUCK_LIBEXEC\"\nexit 7\n"

// install installs the programs like a package and returns the path of a built mixduck.
func install(tb testing.TB) string {
	tb.Helper()
	root, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	lib := filepath.Join(root, "lib", "mixduck")
	if err := os.MkdirAll(lib, 0o700); err != nil {
		tb.Fatal(err)
	}
	for _, name := range programs {
		if err := os.WriteFile(filepath.Join(lib, name), []byte(program), 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	self := filepath.Join(root, "bin", "mixduck")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", self, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return self
}

func TestProgramsAreStarted(t *testing.T) {
	t.Parallel()
	self := install(t)
	link := filepath.Join(t.TempDir(), "mixduck")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "mixduck")
	if err := os.Link(self, elsewhere); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, libexec, args, want string }{
		{"a program beside it", self, "", "worker run --data-dir x", "worker|run|--data-dir|x||"},
		{"through a link", link, "", "enqueue jobs list", "enqueue|jobs|list||"},
		{"without arguments", self, "", "mp", "mp||"},
		{"help of a program", self, "", "help enqueue fetch", "enqueue|fetch|--help||"},
		{"where a variable says", elsewhere, filepath.Join(filepath.Dir(self), "..", "lib", "mixduck"), "mp x", "mp|x||"},
		{"completion", self, "", "__complete enqueue jobs l", "enqueue|__complete|jobs|l||"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), tt.path, strings.Fields(tt.args)...)
			cmd.Env = append(os.Environ(), libexec+"="+tt.libexec)
			out, _ := cmd.Output()
			if string(out) != tt.want || cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("mixduck %s prints %q and ends with %d, want %q and 7", tt.args, out, cmd.ProcessState.ExitCode(), tt.want)
			}
		})
	}
}

func TestAnswersOfItsOwn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string // prefix
		code fault.Code
	}{
		{"no arguments", nil, "Keep local DuckDB copies", ""},
		{"help", []string{"--help"}, "Keep local DuckDB copies", ""},
		{"version", []string{"version"}, "mixduck ", ""},
		{"completion of a command", []string{"__complete", "w"}, "worker\nenqueue\nlake\nmp\nhelp\nversion\n:4\n", ""},
		{"an unknown command", []string{"fetch"}, "", fault.CodeUsage},
		{"a path", []string{"../worker"}, "", fault.CodeUsage},
		{"help of an unknown command", []string{"help", "fetch"}, "", fault.CodeUsage},
		{"a program that is not there", []string{"worker"}, "", fault.CodeNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := dispatcher{dirs: []string{t.TempDir()}}.run(tt.args, nil, &out)
			if tt.code != "" && (err == nil || fault.CodeOf(err) != tt.code) || tt.code == "" && err != nil {
				t.Errorf("error = %v, want one of kind %q", err, tt.code)
			}
			if !strings.HasPrefix(out.String(), tt.want) {
				t.Errorf("prints %q, want %q first", &out, tt.want)
			}
		})
	}
}

func TestDirectories(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, libexec string
		want          []string
	}{
		{"one that is set is the only one", "/x", []string{"/x"}},
		{"else those beside it", "", []string{"/opt/lib/mixduck", "/opt/bin", "/usr/lib/mixduck"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, directories(tt.libexec, "/opt/bin/mixduck")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
