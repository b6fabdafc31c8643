package chaos

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/mixpanel/mixpaneltest"
)

// site is an installation with its workers and their work.
type site struct {
	bin      string // directory of the programs
	dir      string // of the data
	logs     string // of the workers' logs
	env      []string
	redis    *proctest.Redis // nil for the embedded queue
	mixpanel *mixpaneltest.Server
	work     work
	random   *rand.Rand
	guard    *guard

	workers []*proctest.Process
	frozen  []*proctest.Process // of the workers
	froze   bool                // a worker was frozen at some time

	nextDeath int // how many jobs must be done before a worker may die again

	client   *redis.Client // of the queue, whichever it is
	deadline time.Time     // of the scenario

	queue *queue.Queue
	ids   [][]string // of the jobs of each database, in order of submission
}

const (
	username    = "sa"
	password    = "s3cret"
	answerTakes = 30 * time.Millisecond
	concurrency = 8 // jobs of a worker at once
)

// newSite makes a site with running, idle workers.
func newSite(tb testing.TB, bin string, sc scenario) *site {
	tb.Helper()
	s := &site{
		bin: bin, dir: filepath.Join(tb.TempDir(), "data"), logs: tb.TempDir(), random: newRandom(tb),
		work: work{databases: sc.databases, jobs: sc.jobs * scale(tb)},
	}
	s.mixpanel = newMixpanel(tb, s.work)
	s.env = []string{
		"HOME=" + s.logs, "TMPDIR=" + tb.TempDir(), "MP_USERNAME=" + username, "MP_SECRET=" + password,
		"MIXDUCK_DATA_DIR=" + s.dir, "MIXDUCK_MIXPANEL_BASE_URL=" + s.mixpanel.URL, "MIXDUCK_MIXPANEL_IDLE_TIMEOUT=20s",
		"MIXDUCK_WORKER_CONCURRENCY=" + strconv.Itoa(concurrency), "MIXDUCK_HTTP_LISTEN=off",
	}
	if !sc.embedded {
		s.redis = proctest.NewRedis(tb, "--auto-aof-rewrite-percentage", "0") // so its log keeps all writes
		s.env = append(s.env, "MIXDUCK_REDIS_URL="+s.redis.URL())
	}
	if sc.file != "" {
		file := filepath.Join(s.logs, "mixduck.yaml")
		if err := os.WriteFile(file, []byte(sc.file), 0o600); err != nil {
			tb.Fatal(err)
		}
		s.env = append(s.env, "MIXDUCK_CONFIG="+file)
	}
	s.guard = newGuard(tb, s.dir)
	for range sc.workers {
		s.launch(tb)
	}
	s.connect(tb)
	tb.Cleanup(func() { s.explain(tb) })
	return s
}

// newMixpanel serves a project for each database. No two responses for a day have the same text, and rows of the late
// days only come with the second response. So a response stored twice, or an old one stored last, is noticed.
// Responses take a moment, because jobs that take no time never overlap.
func newMixpanel(tb testing.TB, w work) *mixpaneltest.Server {
	tb.Helper()
	var projects []mixpaneltest.Project
	for n := range w.databases {
		projects = append(projects, mixpaneltest.Project{
			ID: project(n), Region: "us", Username: username, Secret: password,
			Data: mixpaneltest.Generator{Seed: uint64(n), EventsPerDay: eventsPerDay},
		})
	}
	m := mixpaneltest.Start(tb, mixpaneltest.Config{Projects: projects, Limits: mixpaneltest.Limits{Off: true}})
	faults := []mixpaneltest.Fault{{Kind: mixpaneltest.SlowFirstByte, Days: w.days(), Hold: answerTakes}}
	for _, p := range projects {
		faults = append(faults,
			mixpaneltest.Fault{Kind: mixpaneltest.LateRows, Project: p.ID, Days: w.late()},
			mixpaneltest.Fault{Kind: mixpaneltest.Reordered, Project: p.ID})
	}
	for _, f := range faults {
		if _, err := m.Inject(f); err != nil {
			tb.Fatal(err)
		}
	}
	return m
}

// connect opens the queue as soon as it is available.
func (s *site) connect(tb testing.TB) {
	tb.Helper()
	if s.redis != nil {
		s.client = redis.NewClient(&redis.Options{Network: "unix", Addr: s.redis.Socket, ContextTimeoutEnabled: true})
	} else {
		proctest.Eventually(tb, "the embedded queue answers", func() bool {
			var err error
			s.client, err = embedredis.Connect(tb.Context(), filepath.Join(s.dir, ".mixduck", "queue"))
			return err == nil
		})
	}
	tb.Cleanup(func() { _ = s.client.Close() })
	var err error
	if s.queue, err = queue.New(s.client, queue.Config{}); err != nil {
		tb.Fatal(err)
	}
}

// log returns the workers' log file.
func (s *site) log() string { return filepath.Join(s.logs, "workers") }

// launch starts a worker.
func (s *site) launch(tb testing.TB) {
	tb.Helper()
	p := proctest.StartWithLog(tb, s.env, s.log(), filepath.Join(s.bin, "worker"), "run")
	s.workers = append(s.workers, p)
	s.guard.watch(p.PID())
}

// replace ends a worker in some way and starts another one at once.
func (s *site) replace(tb testing.TB, p *proctest.Process, end func()) {
	tb.Helper()
	end()
	s.guard.forget(p.PID())
	s.workers = slices.DeleteFunc(s.workers, func(other *proctest.Process) bool { return other == p })
	s.launch(tb)
}

// anyWorker returns a worker that is not frozen.
func (s *site) anyWorker() *proctest.Process {
	awake := slices.DeleteFunc(slices.Clone(s.workers), func(p *proctest.Process) bool { return slices.Contains(s.frozen, p) })
	return awake[s.random.IntN(len(awake))]
}

// submit submits all jobs, alternating between databases; every tenth with the command, which takes longer.
func (s *site) submit(tb testing.TB) {
	tb.Helper()
	s.ids = make([][]string, s.work.databases)
	for n := range s.work.jobs {
		for db := range s.work.databases {
			submit := s.submitDirectly
			if n%10 == 0 {
				submit = s.submitByCommand
			}
			id, err := submit(tb.Context(), db, n)
			if err != nil {
				tb.Fatalf("submit job %d of %s: %v", n, databaseName(db), err)
			}
			s.ids[db] = append(s.ids[db], id)
		}
	}
}

func (s *site) submitDirectly(ctx context.Context, db, n int) (string, error) {
	r, err := s.queue.Submit(ctx, jobs.Request{Fetch: jobs.Fetch{
		Project: strconv.FormatInt(project(db), 10), Database: databaseName(db), Table: "events", Days: s.work.daysOf(n), Mode: jobs.ModeSync,
	}})
	return r.ID, err
}

func (s *site) submitByCommand(ctx context.Context, db, n int) (string, error) {
	days := s.work.daysOf(n)
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "enqueue"), "fetch", "events", "--from", days.From.String(), "--to", days.To.String(),
		"--project", strconv.FormatInt(project(db), 10), "--database", databaseFile(db), "--format", "json", "--quiet")
	cmd.Env = s.env
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	var job struct {
		ID string `json:"id"`
	}
	return job.ID, json.Unmarshal(out, &job)
}

// explain shows the last output of the workers of a failed test.
func (s *site) explain(tb testing.TB) {
	tb.Helper()
	if tb.Failed() {
		text, err := os.ReadFile(s.log())
		tb.Logf("the workers (%v):\n%s", err, proctest.Tail(string(text)))
	}
}
