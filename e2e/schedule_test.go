package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
)

// scheduled is a schedule as shown by enqueue.
type scheduled struct {
	Name    string   `json:"name"`
	Workers []string `json:"workers"`
	History []struct {
		Tick    time.Time `json:"tick"`
		Outcome string    `json:"outcome"`
		Job     string    `json:"job"`
	} `json:"history"`
}

// decode runs an enqueue command that must succeed, and decodes its JSON output.
func (s *site) decode(tb testing.TB, to any, args ...string) {
	tb.Helper()
	r := s.enqueue(tb, append(args, "--format", "json")...)
	if err := json.Unmarshal([]byte(r.stdout), to); err != nil || r.code != 0 {
		tb.Fatalf("exit code %d of %q: %v\n%s%s", r.code, args, err, r.stdout, r.stderr)
	}
}

// Three workers share a schedule that fires every few seconds; one of them is repeatedly killed and replaced. Each
// tick was handled, and has one job or, if the previous job had not ended, none.
func TestEachTickHasOneJobWhicheverWorkerIsKilled(t *testing.T) {
	t.Parallel()
	const every = 3 * time.Second
	s := newSite(t, realRedis, newMixpanel(t, 20))
	workers := []*proctest.Process{s.startWorker(t), s.startWorker(t), s.startWorker(t)}
	var made scheduled
	s.decode(t, &made, "schedules", "add", "often", "--cron", "@every 3s", "--lookback", "1", "--overlap", "queue")
	ticked := func(n int) func() bool {
		return func() bool {
			s.decode(t, &made, "schedules", "show", "often")
			return len(made.History) >= n
		}
	}
	for round := range 6 {
		eventually(t, "two more ticks are dealt with", ticked(2*round+2))
		workers[round%3].Kill()
		workers[round%3] = s.startWorker(t)
	}
	eventually(t, "more ticks are dealt with", ticked(14))
	s.decode(t, &made, "schedules", "pause", "often")

	jobs := map[string]int{} // of ticks
	var all []struct {
		ID       string     `json:"id"`
		Schedule string     `json:"schedule"`
		Tick     *time.Time `json:"tick"`
		Piece    int        `json:"piece"`
	}
	s.decode(t, &all, "jobs", "list", "--limit", "1000")
	for _, j := range all {
		if j.Schedule != "often" || j.Tick == nil {
			t.Errorf("job %s is of schedule %q, tick %v", j.ID, j.Schedule, j.Tick)
			continue
		}
		if j.Piece == 0 {
			jobs[j.Tick.Format(time.RFC3339)]++
		}
		s.wait(t, j.ID)
	}
	outcomes := map[string]int{}
	for i, tick := range made.History { // newest first
		outcomes[tick.Outcome]++
		if i > 0 && made.History[i-1].Tick.Sub(tick.Tick) != every {
			t.Errorf("after tick %s comes %s", tick.Tick, made.History[i-1].Tick)
		}
		want := 0
		if tick.Outcome == "job" {
			want = 1
		}
		key := tick.Tick.Format(time.RFC3339)
		if jobs[key] != want {
			t.Errorf("tick %s (%s) has %d jobs", key, tick.Outcome, jobs[key])
		}
		delete(jobs, key)
	}
	if len(jobs) > 0 {
		t.Errorf("there are jobs of ticks that the schedule does not know: %v", jobs)
	}
	if outcomes["job"] < 5 || outcomes["job"]+outcomes["skipped"] != len(made.History) {
		t.Errorf("outcomes %v", outcomes)
	}
}

const scheduleFile = `
projects:
  web: {id: 12345, timezone: America/New_York}
schedules:
  - {name: morning, project: web, stream: events, cron: "15 6 * * *", start: START}
  - {name: often, project: web, stream: events, cron: "@every 1s", table: signups, events: [Sign Up], lookback: 1d}
`

// The schedules of a file run, and are removed with it; what one has fetched equals Mixpanel's data.
func TestSchedulesOfAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 20))
	file := filepath.Join(filepath.Dir(s.dir), "mixduck.yaml")
	s.set("MIXDUCK_CONFIG=" + file)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := day.Of(time.Now()) - 45
	text := strings.ReplaceAll(scheduleFile, "START", first.String())
	write(text)
	w := s.startWorker(t)
	var all []scheduled
	eventually(t, "the schedules are known, and one has fired", func() bool {
		s.decode(t, &all, "schedules", "list")
		return len(all) == 2 && len(s.list(t, "--state", "done")) > 0
	})
	if all[0].Name != "morning" || len(all[0].Workers) != 1 {
		t.Errorf("schedules = %+v", all)
	}
	r := s.enqueue(t, "schedules", "run", "morning", "--wait", "--format", "json", "--quiet")
	var ran struct{ From, To day.Day }
	if err := json.Unmarshal([]byte(r.stdout), &ran); err != nil || r.code != 0 || ran.From != first {
		t.Fatalf("exit code %d, %v: %s%s", r.code, err, r.stdout, r.stderr)
	}
	s.checkEvents(t, day.Range{From: ran.From, To: ran.To})

	w.Kill()
	fewer, _, _ := strings.Cut(text, "  - {name: often")
	write(fewer)
	s.startWorker(t)
	eventually(t, "what has left the file is removed", func() bool {
		s.decode(t, &all, "schedules", "list")
		return len(all) == 1 && all[0].Name == "morning"
	})
	s.enqueue(t, "schedules", "show", "often").mustFail(t, 4, "no such schedule: often")
}
