package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "jobs", "fetch"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, text, want string }{
		{"an import", "duck", `import "duck/jobs"`, `import "new.invalid/x/jobs"`},
		{"two on one line", "duck", `duck/jobs duck/jobs/fetch`, `new.invalid/x/jobs new.invalid/x/jobs/fetch`},
		{"a function of a package", "duck", `duck/jobs.(*T).f`, `new.invalid/x/jobs.(*T).f`},
		{"a file of a directory with the same name", "duck", `/etc/duck/jobs x/duck/jobs .duck/jobs aduck/jobs`, `/etc/duck/jobs x/duck/jobs .duck/jobs aduck/jobs`},
		{"no directory of the module", "duck", `"duck/1.0" duck/results`, `"duck/1.0" duck/results`},
		{"settings of the formatter", "duck", `{module-path: duck} prefix(duck) (duck)`, `{module-path: new.invalid/x} prefix(new.invalid/x) (duck)`},
		{"a path with a host, anywhere", "a.invalid/duck", `https://a.invalid/duck a.invalid/duck@v1 "a.invalid/duck/x"`, `https://new.invalid/x new.invalid/x@v1 "new.invalid/x/x"`},
		{"a longer path", "a.invalid/duck", `a.invalid/ducks a.invalid/duck-x b.a.invalid/duck`, `a.invalid/ducks a.invalid/duck-x b.a.invalid/duck`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(newUses(root, tt.path).replace([]byte(tt.text), "new.invalid/x")); got != tt.want {
				t.Errorf("replace(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestRenameRefusesWhatIsNoModulePath(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	const goMod = "module duck\n"
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte(goMod), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "duck", "/usr/bin:/bin", "a.invalid/b c", "a.invalid/../x", "https://a.invalid/duck", "a.invalid/duck/"} {
		if changed, err := rename(root, path); err == nil || len(changed) > 0 {
			t.Errorf("rename(%q) = %v, %v, want an error", path, changed, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "go.mod")); string(b) != goMod {
		t.Errorf("go.mod holds %q, %v", b, err)
	}
}

// The command changes this tree so that everything still fits: the packages find each other, the rules about imports
// still apply, and no file contains the old path.
func TestTreeTakesAnotherPath(t *testing.T) {
	t.Parallel()
	tree := copyTree(t, "../..")
	for _, path := range []string{"one.invalid/acme/mixduck", "two.invalid/quack"} {
		run(t, tree, "make", "module", "PATH="+path)
		goMod, err := os.ReadFile(filepath.Join(tree, "go.mod"))
		if got := modfile.ModulePath(goMod); got != path {
			t.Fatalf("the path is %q, want %q (%v)", got, path, err)
		}
		run(t, tree, "go", "list", "-deps", "-test", "-tags", "duckdb_arrow", "./...")
	}
	run(t, tree, "go", "test", "-run", "TestImportsRunDownwards|TestOutsidePackagesHaveOneHome", ".")
	if out := run(t, tree, "make", "-n", "build", "VERSION=v9"); !strings.Contains(out, "-X two.invalid/quack/internal/buildinfo.version=v9") {
		t.Errorf("the linker sets no version:\n%s", out)
	}
	if b, err := os.ReadFile(filepath.Join(tree, ".golangci.yml")); bytes.Count(b, []byte("two.invalid/quack/")) < 5 {
		t.Errorf("the linter's rules were not changed (%v)", err)
	}
	for _, name := range names(t, tree) {
		b, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("one.invalid/acme")) && name != "tools/module/rename_test.go" {
			t.Errorf("%s contains the old path", name)
		}
	}
}

func names(tb testing.TB, root string) []string {
	tb.Helper()
	files, err := textFiles(root)
	if err != nil {
		tb.Fatal(err)
	}
	return append(files, "go.mod")
}

// copyTree copies the files that the command works on into a temporary directory.
func copyTree(tb testing.TB, root string) string {
	tb.Helper()
	to := tb.TempDir()
	for _, name := range names(tb, root) {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			tb.Fatal(err)
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return to
}

func run(tb testing.TB, dir, name string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
