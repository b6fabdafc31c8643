package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/mixpanel/mixpaneltest"
)

const (
	scheduledDays   = 7 // of each schedule, up to yesterday
	restingSchedule = "resting"
	addedSchedule   = "added"
)

// lossScenario has a database for each running schedule: those of the file first, then the one added by a person. The
// paused schedule fills a second table of the first database.
var lossScenario = scenario{name: "loss", title: "Redis emptied while jobs run", workers: 2, databases: 4, jobs: 1, unit: "time"}

// lossFile returns the configuration of the workers.
func lossFile(first day.Day) string {
	const entry = "  - {name: %s, project: p%d, database: %s, table: %s, cron: \"@every 2s\", start: %s, lookback: 1d}\n"
	var projects, schedules strings.Builder
	for db := range lossScenario.databases {
		fmt.Fprintf(&projects, "  p%d: {id: %d}\n", db, project(db))
		if scheduleName(db) != addedSchedule {
			fmt.Fprintf(&schedules, entry, scheduleName(db), db, databaseName(db), "events", first)
		}
	}
	fmt.Fprintf(&schedules, entry, restingSchedule, 0, databaseName(0), restingSchedule, first)
	return "projects:\n" + projects.String() + "schedules:\n" + schedules.String()
}

// scheduleName returns the name of the schedule that fills the events of a database.
func scheduleName(db int) string {
	if db == lossScenario.databases-1 {
		return addedSchedule
	}
	return fmt.Sprintf("file%d", db)
}

// runLoss empties Redis in two ways, twice each, while a job of each schedule runs. Then all schedules must run again
// without help, and the databases must have Mixpanel's data.
func runLoss(t *testing.T, bin string) {
	t.Helper()
	days := day.Range{To: day.Of(time.Now()) - 1}
	days.From = days.To - scheduledDays + 1
	sc := lossScenario
	sc.file = lossFile(days.From)
	s := newSite(t, bin, sc)
	began := time.Now()
	var v verdict

	// The first loss hits the first jobs, after some of their days are stored. For later jobs, all requests are held.
	oldDays := day.Range{From: days.From, To: days.From + 1}
	held := s.hold(t, oldDays)
	proctest.Eventually(t, "the schedules of the file are known", func() bool { return len(s.schedules(t)) == sc.databases })
	s.enqueue(t, "schedules", "pause", restingSchedule)
	last := sc.databases - 1
	s.enqueue(t, "schedules", "add", addedSchedule, "--cron", "@every 2s", "--project", strconv.FormatInt(project(last), 10),
		"--database", databaseFile(last), "--start", days.From.String(), "--lookback", "1")
	proctest.Eventually(t, "a worker has copied the schedules", func() bool { return s.copied(t) })

	losses := []func(testing.TB, *site){flush, replaceRedis, flush, replaceRedis}
	for n, lose := range losses {
		s.awaitHeld(t, held)
		lose(t, s)
		for _, h := range held {
			h.Remove()
		}
		s.awaitSchedules(t, days)
		s.checkSchedules(t, &v)
		if n < len(losses)-1 {
			held = s.hold(t, day.Range{From: days.To, To: days.To})
		}
	}
	for db := range sc.databases { // no lane is stuck
		s.enqueue(t, "fetch", "events", "probe", "--from", days.From.String(), "--to", days.From.String(),
			"--project", strconv.FormatInt(project(db), 10), "--database", databaseFile(db), "--wait", "--quiet")
	}
	for _, p := range s.workers {
		if p.HasEnded() {
			v.add(disorder, "a worker has ended")
			continue
		}
		p.Terminate(t)
	}
	s.checkLoss(t, &v, days)
	fmt.Printf("%-28s %5s      %3d databases  %-16s %s %4.0f s\n",
		sc.title, "", sc.databases, counted(len(losses), sc.unit), &v, time.Since(began).Seconds())
	v.fail(t)
}

// flush deletes everything in Redis.
func flush(tb testing.TB, s *site) {
	tb.Helper()
	if err := s.client.FlushAll(tb.Context()).Err(); err != nil {
		tb.Fatal(err)
	}
}

// replaceRedis kills Redis and starts an empty one at the same address.
func replaceRedis(tb testing.TB, s *site) {
	tb.Helper()
	s.redis.Kill()
	if err := os.RemoveAll(filepath.Join(s.redis.Dir, "appendonlydir")); err != nil {
		tb.Fatal(err)
	}
	s.redis.Start(tb)
	if n, err := s.client.Exists(tb.Context(), stateKeys+string(jobs.StateDone)).Result(); err != nil || n != 0 {
		tb.Fatalf("the new Redis has %d sets of jobs that are done (%v)", n, err)
	}
}

// hold makes requests for some days stall, with one fault per database.
func (s *site) hold(tb testing.TB, days day.Range) []*mixpaneltest.Injection {
	tb.Helper()
	var held []*mixpaneltest.Injection
	for db := range s.work.databases {
		h, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.Stall, Project: project(db), Days: days})
		if err != nil {
			tb.Fatal(err)
		}
		held = append(held, h)
	}
	return held
}

// awaitHeld waits until a request of each database stalls, so a job of each is running.
func (s *site) awaitHeld(tb testing.TB, held []*mixpaneltest.Injection) {
	tb.Helper()
	for _, h := range held {
		proctest.Await(tb, "a download stalls", h.Reached())
	}
}

// awaitSchedules waits until a job of each schedule that is not paused is done. All jobs are newer than the last loss.
func (s *site) awaitSchedules(tb testing.TB, days day.Range) {
	tb.Helper()
	for db := range s.work.databases {
		proctest.Eventually(tb, "a job of schedule "+scheduleName(db)+" is done", func() bool {
			done, err := s.queue.List(tb.Context(), queue.Filter{State: jobs.StateDone, Database: databaseName(db)})
			return err == nil && slices.ContainsFunc(done, func(r jobs.Record) bool {
				return r.Schedule == scheduleName(db) && r.Fetch.Days.From == days.From
			})
		})
	}
}

func (s *site) schedules(tb testing.TB) []schedule.State {
	tb.Helper()
	all, err := schedule.NewStore(s.queue).List(tb.Context(), time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// checkSchedules checks that each schedule exists, with its origin, and that the paused one is still paused and has
// made no job since the loss.
func (s *site) checkSchedules(tb testing.TB, v *verdict) {
	tb.Helper()
	all := s.schedules(tb)
	if want := s.work.databases + 1; len(all) != want {
		v.add(lost, "there are %d schedules, want %d", len(all), want)
	}
	for _, one := range all {
		if one.Paused != (one.Name == restingSchedule) {
			v.add(lost, "schedule %s: paused is %t", one.Name, one.Paused)
		}
		if added := len(one.Files) == 0; added != (one.Name == addedSchedule) {
			v.add(lost, "schedule %s is in the files of %q", one.Name, one.Files)
		}
	}
	list, err := s.queue.List(tb.Context(), queue.Filter{Database: databaseName(0), Limit: 1000})
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range list {
		if r.Schedule == restingSchedule {
			v.add(disorder, "the paused schedule has made job %s for tick %s", r.ID, r.Tick)
		}
	}
}

// copied reports whether each worker has copied the added schedule, and the pause.
func (s *site) copied(tb testing.TB) bool {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, ".mixduck", "queue-copy-*.json"))
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it is being replaced
		}
		var c struct {
			Schedules schedule.Copy `json:"schedules"`
		}
		if err := json.Unmarshal(text, &c); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		_, added := c.Schedules.Schedules[addedSchedule]
		if added && c.Schedules.Schedules[restingSchedule].Fields["paused"] == "1" {
			n++
		}
	}
	return n == len(s.workers)
}

// enqueue runs a command that must succeed.
func (s *site) enqueue(tb testing.TB, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), filepath.Join(s.bin, "enqueue"), args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("enqueue %q: %v\n%s", args, err, out)
	}
}

// checkLoss compares the databases with Mixpanel after the workers have ended.
func (s *site) checkLoss(tb testing.TB, v *verdict, days day.Range) {
	tb.Helper()
	for db := range s.work.databases {
		rows, truth := s.readLedger(tb, db).rows, s.truthOf(tb, db, days)
		if !slices.Equal(rows, truth) {
			v.add(wrongRows, "%s holds %d rows, which are not the %d of Mixpanel", databaseName(db), len(rows), len(truth))
		}
	}
	problems, _ := s.guard.report()
	for _, p := range problems {
		v.add(overlap, "%s", p)
	}
	checkSpool(tb, v, s.dir)
	checkLog(tb, v, s.log())
}
