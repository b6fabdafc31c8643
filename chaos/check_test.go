package chaos

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/mixpanel/mixpaneltest"
)

// records returns the records of all jobs, by ID.
func (s *site) records(tb testing.TB) map[string]jobs.Record {
	tb.Helper()
	list, err := s.queue.List(tb.Context(), queue.Filter{Limit: 2 * s.work.total()})
	if err != nil {
		tb.Fatal(err)
	}
	byID := make(map[string]jobs.Record, len(list))
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID
}

// check checks the results of the workers after their end. Again means that some jobs must have been begun more than
// once, otherwise the scenario has not tested what it should.
func (s *site) check(tb testing.TB, v *verdict, records map[string]jobs.Record, again bool) {
	tb.Helper()
	if len(records) != s.work.total() {
		v.add(twice, "there are %d jobs, want %d", len(records), s.work.total())
	}
	requests := map[int64][]mixpaneltest.Request{}
	for _, r := range s.mixpanel.Requests() {
		requests[r.Project] = append(requests[r.Project], r)
	}
	var h *history
	if s.redis != nil {
		h = readHistory(tb, s.redis)
		if again && h.begun() == s.work.total() {
			v.add(disorder, "nobody had to begin a job again")
		}
	}
	for db := range s.work.databases {
		c := chapter{
			name: databaseName(db), ids: s.ids[db], records: records, ledger: s.readLedger(tb, db), requests: requests[project(db)],
			truth: s.truth(tb, db), froze: s.froze, history: h,
		}
		c.check(v, s.work)
	}
	problems, met := s.guard.report()
	for _, p := range problems {
		v.add(overlap, "%s", p)
	}
	if met < s.work.databases/2 {
		v.add(disorder, "the guard has seen only %d databases open for writing", met)
	}
	checkSpool(tb, v, s.dir)
	checkLog(tb, v, s.log())
}

// fingerprints returns a hash of each database file and its log, by name.
func (s *site) fingerprints(tb testing.TB) map[string][sha256.Size]byte {
	tb.Helper()
	prints := map[string][sha256.Size]byte{}
	for _, pattern := range []string{"*.db", "*.wal"} {
		names, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				tb.Fatal(err)
			}
			prints[filepath.Base(name)] = sha256.Sum256(b)
		}
	}
	return prints
}

// checkUntouched checks that nothing was written after all jobs were done.
func checkUntouched(v *verdict, before, after map[string][sha256.Size]byte) {
	if diff := cmp.Diff(before, after); diff != "" {
		v.add(overlap, "databases were written to after all jobs were done:\n%s", diff)
	}
}

// checkSpool checks that no response is left in a data directory.
func checkSpool(tb testing.TB, v *verdict, dir string) {
	tb.Helper()
	err := filepath.WalkDir(filepath.Join(dir, ".mixduck", "spool"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			v.add(disorder, "left in the spool: %s", path)
		}
		return err
	})
	if err != nil {
		tb.Error(err)
	}
}

// checkLog looks in the workers' log for messages that no disturbance explains.
func checkLog(tb testing.TB, v *verdict, log string) {
	tb.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			v.add(disorder, "a worker said: %s", strings.TrimSpace(line))
		}
	}
}
