package mixduck_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is a package as reported by `go list`.
type listed struct {
	ImportPath string
	Imports    []string // without those of tests
	Deps       []string // including indirect imports
}

// list asks `go list` about packages, without their tests.
func list(tb testing.TB, patterns ...string) (all []listed) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		tb.Fatalf("go list: %s", exit.Stderr)
	}
	if err != nil {
		tb.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
}

// below reports whether a package is prefix or is below it.
func below(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// anyBelow returns the first path below one of the prefixes, "" if there is none.
func anyBelow(paths []string, prefixes ...string) string {
	for _, path := range paths {
		for _, prefix := range prefixes {
			if below(path, prefix) {
				return path
			}
		}
	}
	return ""
}

// External packages that only few packages may import.
const (
	duckDB    = "github.com/duckdb"
	asynq     = "github.com/hibiken/asynq"
	redis     = "github.com/redis/go-redis"
	miniredis = "github.com/alicebob/miniredis"
	arrow     = "github.com/apache/arrow-go"
	grpc      = "google.golang.org/grpc"

	iceberg = "github.com/apache/iceberg-go"
	sqlite  = "modernc.org/sqlite"

	prometheus = "github.com/prometheus"
)

func TestImportsRunDownwards(t *testing.T) {
	t.Parallel()
	beside := []string{"mixduck/workspace", "mixduck/mixpanel", "mixduck/storage", duckDB} // what jobs do; queues must not know it
	upper := []string{"mixduck/cmd", "mixduck/web", "mixduck/config", "mixduck/jobs", "mixduck/workspace"}
	rules := []struct {
		from  string // the package and those below it, unless alone is set
		alone bool
		never []string // not even indirectly
		but   []string // exceptions
	}{
		{from: "mixduck/internal", never: append([]string{"mixduck/mixpanel", "mixduck/storage"}, upper...)},
		{from: "mixduck/analysis", never: append([]string{"mixduck/mixpanel", "mixduck/storage", duckDB, asynq, redis}, upper...)},
		{from: "mixduck/mixpanel", never: append([]string{"mixduck/storage", duckDB, asynq, redis}, upper...)},
		{from: "mixduck/storage", alone: true, never: []string{"mixduck/storage/query", "mixduck/internal/cage"}},
		{from: "mixduck/storage", never: append([]string{"mixduck/mixpanel", asynq, redis}, upper...)},
		{from: "mixduck/workspace", never: []string{"mixduck/cmd", "mixduck/web", "mixduck/config", "mixduck/jobs", asynq, redis}},
		{from: "mixduck/config", never: []string{"mixduck/cmd", "mixduck/web", "mixduck/jobs", "mixduck/workspace", "mixduck/mixpanel", "mixduck/storage", duckDB, asynq, redis}},
		{from: "mixduck/jobs", never: []string{"mixduck/cmd", "mixduck/web", "mixduck/config"}},
		{from: "mixduck/jobs", alone: true, never: append([]string{"mixduck/jobs", asynq, redis}, beside...)},
		{from: "mixduck/jobs/internal/field", never: append([]string{"mixduck/jobs", asynq, redis}, beside...)},
		{from: "mixduck/jobs/internal/script", never: append([]string{"mixduck/jobs", asynq}, beside...)},
		{from: "mixduck/jobs/internal/lanes", never: append([]string{"mixduck/jobs/queue", "mixduck/jobs/worker", "mixduck/jobs/schedule", "mixduck/jobs/budget"}, beside...)},
		{from: "mixduck/jobs/budget", never: append([]string{"mixduck/jobs", asynq}, beside...), but: []string{"mixduck/jobs/internal/field", "mixduck/jobs/internal/script"}},
		{from: "mixduck/jobs/queue", never: append([]string{"mixduck/jobs/worker", "mixduck/jobs/schedule", "mixduck/jobs/budget"}, beside...)},
		{from: "mixduck/jobs/worker", never: append([]string{"mixduck/jobs/queue", "mixduck/jobs/schedule", "mixduck/jobs/budget"}, beside...)},
		{from: "mixduck/jobs/schedule", never: append([]string{"mixduck/jobs/worker", "mixduck/jobs/budget"}, beside...)},
		{from: "mixduck/jobs/status", never: append([]string{"mixduck/jobs/worker", "mixduck/jobs/budget"}, beside...)},
		{from: "mixduck/web", never: []string{"mixduck/lake", "mixduck/cmd", "mixduck/config", "mixduck/workspace", "mixduck/mixpanel", "mixduck/storage", duckDB}},
		{from: "mixduck/web/session", never: []string{"mixduck/jobs", asynq}},
		{from: "mixduck/cmd/enqueue", but: []string{"mixduck/web/session"}, never: []string{"mixduck/lake", iceberg, "mixduck/web", "mixduck/workspace", "mixduck/mixpanel", "mixduck/storage", duckDB}},
		{from: "mixduck/serve", never: []string{"mixduck/cmd", "mixduck/web", "mixduck/config", "mixduck/workspace", "mixduck/mixpanel", asynq, redis}},
		{from: "mixduck/serve/mcp", never: []string{"mixduck/jobs"}},
		{from: "mixduck/lake", never: append([]string{"mixduck/mixpanel", asynq, redis}, upper...)},
		{from: "mixduck/lake/plan", never: append([]string{"mixduck/storage", duckDB, iceberg}, upper...)},
		{from: "mixduck/cmd/worker", never: []string{"mixduck/lake", iceberg, sqlite}},
		{from: "mixduck/cmd/mp", never: []string{"mixduck/lake", iceberg, sqlite}},
		{from: "mixduck/serve/flight", never: []string{"mixduck/jobs"}},
	}
	packages := list(t, "./...")
	for _, rule := range rules {
		met := false
		for _, p := range packages {
			if p.ImportPath != rule.from && (rule.alone || !below(p.ImportPath, rule.from)) {
				continue
			}
			met = true
			deps := slices.DeleteFunc(slices.Clone(p.Deps), func(dep string) bool {
				return slices.Contains(rule.but, dep) || below(dep, p.ImportPath) && !rule.alone
			})
			if bad := anyBelow(deps, rule.never...); bad != "" {
				t.Errorf("%s depends on %s", p.ImportPath, bad)
			}
		}
		if !met {
			t.Errorf("there is no package %s any more", rule.from)
		}
	}
}

func TestOutsidePackagesHaveOneHome(t *testing.T) {
	t.Parallel()
	homes := map[string][]string{
		duckDB:         {"mixduck/storage"},
		"database/sql": {"mixduck/storage", "mixduck/lake"},
		arrow:          {"mixduck/storage/query", "mixduck/serve/flight"},
		grpc:           {"mixduck/serve/flight"},
		iceberg:        {"mixduck/lake"},
		sqlite:         {"mixduck/lake"},
		asynq:          {"mixduck/jobs/internal/lanes", "mixduck/jobs/worker"},
		miniredis:      {"mixduck/internal/embedredis", "mixduck/internal/redistest"},
		prometheus:     {"mixduck/web"},
		redis: {
			"mixduck/jobs", "mixduck/internal/embedredis", "mixduck/internal/proctest", "mixduck/internal/redistest", "mixduck/cmd",
			"mixduck/web/session",
		},

		// For tests only; their imports are not listed.
		"mixduck/internal/proctest":    {"mixduck/jobs/internal/jobstest"},
		"mixduck/internal/openapitest": {},
		"mixduck/internal/redistest":   {"mixduck/jobs/internal/jobstest"},
	}
	for _, p := range list(t, "./...") {
		for outside, allowed := range homes {
			if bad := anyBelow(p.Imports, outside); bad != "" && anyBelow([]string{p.ImportPath}, allowed...) == "" {
				t.Errorf("%s imports %s, which only %q may", p.ImportPath, bad, allowed)
			}
		}
	}
}
