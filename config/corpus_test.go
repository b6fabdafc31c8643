package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/config"
	"mixduck/internal/fault"
)

var update = flag.Bool("update", false, "write what is found where it should be found")

// directives returns the environment and the flags for a file of the corpus: its lines "# env: " and "# flag: ".
func directives(t *testing.T, path string) (environ, args []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "# env: "); ok {
			environ = append(environ, strings.TrimSpace(v))
		}
		if v, ok := strings.CutPrefix(line, "# flag: "); ok {
			args = append(args, strings.TrimSpace(v))
		}
	}
	return append(environ, "HOME=/home/ann", "MIXDUCK_CONFIG="+path), args
}

// check compares got with the file that has the corpus file's name and another extension.
func check(t *testing.T, path, end, got string) {
	t.Helper()
	golden := strings.TrimSuffix(path, ".yaml") + end
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func corpus(t *testing.T, kind string, least int, each func(t *testing.T, path string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/" + kind + "/*.yaml")
	if err != nil || len(files) < least {
		t.Fatalf("%d files, %v; want at least %d", len(files), err, least)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			t.Parallel()
			each(t, path)
		})
	}
}

// The settings of a good file are in effect, and no others.
func TestGoodFiles(t *testing.T) {
	t.Parallel()
	corpus(t, "good", 30, func(t *testing.T, path string) {
		t.Helper()
		environ, args := directives(t, path)
		c, err := load(t, args, environ...)
		if err != nil {
			t.Fatal(err)
		}
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, v := range c.Values()[1:] { // without the file's own name
			of := v.Origin != "default" || strings.HasPrefix(v.Key, "schedules.")
			if of || v.Key == "volumes" || strings.HasSuffix(v.Key, ".database") {
				fmt.Fprintf(&got, "%s = %s (%s)\n", v.Key, strings.ReplaceAll(v.Value, here, "$PWD"), filepath.Base(v.Origin))
			}
		}
		if strings.Contains(got.String(), "s3cret") || strings.Contains(got.String(), "pw-of") {
			t.Errorf("a secret is shown:\n%s", &got)
		}
		check(t, path, ".want", got.String())
	})
}

// Errors about bad files have exactly these texts, and contain no secret.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	corpus(t, "bad", 60, func(t *testing.T, path string) {
		t.Helper()
		environ, args := directives(t, path)
		_, err := load(t, args, environ...)
		if fault.CodeOf(err) != fault.CodeUsage || fault.CodeUsage.Exit() != 3 {
			t.Fatalf("error = %v, want one that ends with exit code 3", err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is shown: %v", err)
		}
		check(t, path, ".err", strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "")+"\n")
	})
}

func TestFileIsFound(t *testing.T) { // not parallel: it changes the directory
	t.Chdir(t.TempDir())
	if c, err := load(t, nil); err != nil || c.File != "" {
		t.Fatalf("File = %q, %v, want none", c.File, err)
	}
	for name, level := range map[string]string{"mixduck.yaml": "warn", "other.yaml": "error"} {
		if err := os.WriteFile(name, []byte("log: {level: "+level+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name           string
		args, environ  []string
		file, wantThis string
	}{
		{"by itself", nil, nil, "mixduck.yaml", "warn"},
		{"by the environment", nil, []string{"MIXDUCK_CONFIG=other.yaml"}, "other.yaml", "error"},
		{"by the flag", []string{"--config=other.yaml"}, []string{"MIXDUCK_CONFIG=nowhere.yaml"}, "other.yaml", "error"},
		{"not if there is to be none", nil, []string{"MIXDUCK_CONFIG=off"}, "", "info"},
	} {
		if c, err := load(t, tt.args, tt.environ...); err != nil || c.File != tt.file || c.Log.Level != tt.wantThis {
			t.Errorf("%s: %q with level %s, %v; want %q with %s", tt.name, c.File, c.Log.Level, err, tt.file, tt.wantThis)
		}
	}
	if _, err := load(t, []string{"--config=nowhere.yaml"}); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("error = %v, want one about a file that is not there", err)
	}
}

// Clients need no access to settings for workers.
func TestClientReadsNoCredentials(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.yaml")
	text := "http: {token_file: /nowhere/a}\nprojects:\n  web: {id: 1, username_file: /nowhere/b, secret_file: /nowhere/c}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"HOME=/home/ann", "MIXDUCK_CONFIG=" + file, "MP_SECRET_FILE=/nowhere/d", "MIXDUCK_PROJECTS_WEB_SECRET=x"}
	c, err := config.LoadClient(environ, nil)
	if err != nil || len(c.Projects) != 1 || !c.Projects[0].Secret.IsZero() {
		t.Errorf("projects = %v, %v; want one without credentials", c.Projects, err)
	}
	if _, err := config.Load(environ[:3], nil); strings.Count(fmt.Sprint(err), "nowhere") != 4 {
		t.Errorf("error = %v, want four files that are not there", err)
	}
}
