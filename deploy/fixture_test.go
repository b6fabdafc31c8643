// Package deploy_test tests the deployment files without Docker. What needs running containers is tested by try.sh.
package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = ".." // of the repository

// overrides are the Compose files used in addition to docker-compose.yml.
func overrides(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("compose.*.yml")
	if err != nil || len(found) == 0 {
		t.Fatalf("no compose.*.yml: %v", err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// load reads docker-compose.yml and its overrides like Compose, with all profiles.
func load(t *testing.T, env map[string]string, override ...string) *types.Project {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{WorkingDir: top, Environment: env}
	for _, name := range append([]string{filepath.Join(root, "docker-compose.yml")}, override...) {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: name})
	}
	project, err := loader.LoadWithContext(t.Context(), details, func(o *loader.Options) { o.Profiles = []string{"*"} })
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// example returns the content of a .env copied from .env.example, with existing files.
func example(t *testing.T) map[string]string {
	t.Helper()
	env, err := dotenv.Read(filepath.Join(root, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range env {
		if strings.HasSuffix(name, "_FILE") {
			env[name] = filepath.Join(dir, name)
			if err := os.WriteFile(env[name], []byte("s3cret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	env["MIXDUCK_CONFIG"] = filepath.Join("deploy", "mixduck.example.yaml")
	return env
}

// stacks are the ways to run it.
func stacks(t *testing.T) map[string]*types.Project {
	t.Helper()
	all := map[string]*types.Project{}
	for kind, env := range map[string]map[string]string{"demo": {}, "example": example(t)} {
		all[kind] = load(t, env)
		for _, name := range overrides(t) {
			all[kind+", "+name] = load(t, env, name)
		}
	}
	return all
}

// variables returns the names interpolated in the Compose files, with their defaults.
func variables(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range append(overrides(t), filepath.Join(root, "docker-compose.yml")) {
		for _, m := range regexp.MustCompile(`\$\{(\w+)(?::?-([^}]*))?\}`).FindAllStringSubmatch(read(t, name), -1) {
			found[m[1]] = m[2]
		}
	}
	return found
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
