package keep_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/keep"
)

// bench is a queue, and a data directory for workers.
type bench struct {
	*testing.T
	mini *miniredis.Miniredis
	q    *jobs.Queue
	dir  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir()}
	b.replaceRedis()
	return b
}

// replaceRedis gives the bench an empty Redis.
func (b *bench) replaceRedis() {
	b.Helper()
	b.mini = miniredis.RunT(b.T)
	rdb := redis.NewClient(&redis.Options{Addr: b.mini.Addr()})
	b.Cleanup(func() { _ = rdb.Close() })
	var err error
	if b.q, err = jobs.NewQueue(rdb, jobs.Config{}); err != nil {
		b.Fatal(err)
	}
}

func daily(name string) jobs.Schedule {
	return jobs.Schedule{
		Name: name, Project: "1", ProjectZone: "UTC", Database: "main/1.db", Table: name, Cron: "15 6 * * *", Start: day.New(2025, 1, 1),
	}
}

// node is a worker.
type node struct {
	*bench
	*keep.Keeper
	log     *bytes.Buffer
	rebuilt int
}

// start starts a worker of an id.
func (b *bench) start(id string, file ...jobs.Schedule) *node {
	b.Helper()
	n := &node{bench: b, log: &bytes.Buffer{}}
	n.Keeper = keep.New(b.q, keep.Config{
		Worker: id, Schedules: file, Projects: []jobs.ProjectInfo{{Name: id, ID: 1, Zone: "UTC", Database: "main/1.db"}},
		File: filepath.Join(b.dir, "copy-"+id+".json"),
		Rebuild: func(context.Context, map[string][]jobs.TableState) error {
			n.rebuilt++
			return nil
		},
	}, slog.New(slog.NewTextHandler(n.log, nil)))
	n.step()
	return n
}

func (n *node) step() {
	n.Helper()
	if err := n.Step(n.Context()); err != nil {
		n.Fatal(err)
	}
}

// schedules describes all that the queue knows.
func (b *bench) schedules() string {
	b.Helper()
	all, err := b.q.Schedules(b.Context(), time.Now().Add(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, s := range all {
		line := fmt.Sprintf("%s %s %v", s.Name, s.Cron, s.Files)
		if s.Paused {
			line += " paused"
		}
		if !s.LastTick.IsZero() {
			line += " " + s.LastTick.Format(time.RFC3339)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (b *bench) want(what, want string) {
	b.Helper()
	if diff := cmp.Diff(want, b.schedules()); diff != "" {
		b.Errorf("schedules %s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) pause(name string) {
	b.Helper()
	_, err := b.q.PauseSchedule(b.Context(), name, true)
	b.must(err)
}

// fire makes the job of a tick.
func (b *bench) fire(name string, tick time.Time) {
	b.Helper()
	s, err := b.q.Schedule(b.Context(), name, tick)
	b.must(err)
	outcome, _, err := b.q.Fire(b.Context(), s, tick, tick.Add(time.Second))
	b.must(err)
	if outcome == "" {
		b.Fatalf("schedule %s did not fire at %s", name, tick)
	}
}

func TestWhatRedisLosesComesBack(t *testing.T) {
	t.Parallel()
	for _, lose := range []struct {
		name string
		how  func(*bench)
	}{
		{"all", func(b *bench) { b.mini.FlushAll() }},
		{"all but the mark", func(b *bench) {
			for _, key := range b.mini.Keys() {
				if key != "mixduck:{jobs}:generation" && key != "mixduck:tables" {
					b.mini.Del(key)
				}
			}
		}},
	} {
		t.Run(lose.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			w := b.start("d-1", daily("file"), daily("held"))
			if w.rebuilt != 1 {
				t.Errorf("databases were read %d times at the start, want 1", w.rebuilt)
			}
			b.must(b.q.AddSchedule(t.Context(), daily("added")))
			b.must(b.q.AddSchedule(t.Context(), daily("gone")))
			b.pause("held")
			w.step()
			b.must(b.q.RemoveSchedule(t.Context(), "gone"))
			b.must(b.q.RemoveSchedule(t.Context(), "file")) // comes back when the worker starts, not before
			w.step()
			want := "added 15 6 * * * []\nheld 15 6 * * * [d-1] paused"
			b.want("before", want)
			lose.how(b)
			b.want("that are lost", "")
			w.step()
			b.want("after the loss", want)
			w.step()
			b.want("a second later", want)
			if s := w.Status(); s != (keep.Status{Schedules: 2, Losses: 1}) {
				t.Errorf("status %+v", s)
			}
			if projects, err := b.q.Projects(t.Context()); err != nil || len(projects) != 1 {
				t.Errorf("projects %v, %v", projects, err)
			}
			if w.rebuilt != 2 {
				t.Errorf("databases were read %d times, want once more", w.rebuilt)
			}
			if !strings.Contains(w.log.String(), "level=WARN") {
				t.Errorf("the log says nothing of the loss:\n%s", w.log)
			}
			b.start("d-1", daily("file"), daily("held"))
			b.want("after a start", "added 15 6 * * * []\nfile 15 6 * * * [d-1]\nheld 15 6 * * * [d-1] paused")
		})
	}
}

// What happens while no worker runs is noticed by the next start.
func TestALossWhileNothingRunsIsMadeGood(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.start("d-1")
	b.must(b.q.AddSchedule(t.Context(), daily("added")))
	tick := time.Now().Add(time.Minute).Truncate(time.Minute).UTC()
	b.fire("added", tick)
	b.mini.SetTime(tick.Add(time.Minute))
	w.step()
	want := "added 15 6 * * * [] " + tick.Format(time.RFC3339)
	b.want("before", want)
	b.replaceRedis()
	b.mini.SetTime(tick.Add(2 * time.Minute))
	again := b.start("d-1")
	b.want("of an empty Redis", want)
	if again.Status().Losses != 1 {
		t.Errorf("%d losses, want 1", again.Status().Losses)
	}
}

func TestAnotherQueueKeepsItsOwnSchedules(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mini.SetTime(time.Now().Add(-time.Hour))
	first := b.q
	b.start("other-1")
	b.must(first.AddSchedule(t.Context(), daily("there")))
	b.start("other-1")
	there := b.mini
	b.replaceRedis()
	w := b.start("d-1")
	b.must(b.q.AddSchedule(t.Context(), daily("here")))
	w.step()
	b.mini, b.q = there, first
	moved := b.start("d-1")
	b.want("of the other queue", "there 15 6 * * * []")
	if moved.Status().Losses != 0 {
		t.Error("another queue counts as a loss")
	}
}

// Of two workers the one that knows more recent changes is right, in whatever order they find out.
func TestCopiesOfTwoWorkersAgree(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		b := newBench(t)
		b.must(b.q.AddSchedule(t.Context(), daily("kept")))
		b.must(b.q.AddSchedule(t.Context(), daily("removed")))
		b.must(b.q.AddSchedule(t.Context(), daily("paused")))
		nodes := [2]*node{b.start("d-1"), b.start("e-1")}
		b.must(b.q.RemoveSchedule(t.Context(), "removed"))
		b.pause("paused")
		nodes[1].step() // the other one has not heard of it
		b.mini.FlushAll()
		nodes[order[0]].step()
		nodes[order[1]].step()
		b.want(fmt.Sprint("in order ", order), "kept 15 6 * * * []\npaused 15 6 * * * [] paused")
	}
}

// A Redis that goes back to an older state brings back neither what was removed nor an old pause.
func TestAnOldStateOfRedisIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.start("d-1")
	b.must(b.q.AddSchedule(t.Context(), daily("kept")))
	b.must(b.q.AddSchedule(t.Context(), daily("removed")))
	now, err := b.q.Time(t.Context())
	b.must(err)
	old, err := b.q.CopySchedules(t.Context(), now)
	b.must(err)
	b.must(b.q.RemoveSchedule(t.Context(), "removed"))
	b.pause("kept")
	w.step()
	for _, name := range []string{"kept", "removed"} {
		for field, value := range old.Schedules[name].Fields {
			b.mini.HSet("mixduck:{jobs}:schedule:"+name, field, value)
		}
		b.mini.HDel("mixduck:{jobs}:schedule:"+name, "paused")
		_, err := b.mini.SAdd("mixduck:{jobs}:schedules", name)
		b.must(err)
	}
	b.mini.Del("mixduck:{jobs}:removed")
	b.mini.Del("mixduck:{jobs}:generation")
	w.step()
	b.want("that went back", "kept 15 6 * * * [] paused")
}

func TestACopyThatCannotBeReadIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name := filepath.Join(b.dir, "copy-d-1.json")
	b.must(os.WriteFile(name, []byte(`{"generation`), 0o600))
	b.must(b.q.AddSchedule(t.Context(), daily("added")))
	w := b.start("d-1")
	if !strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("the log says nothing of it:\n%s", w.log)
	}
	b.mini.FlushAll()
	w.step()
	b.want("from the new copy", "added 15 6 * * * []")
}

func TestTablesComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r, err := b.q.Submit(t.Context(), jobs.Request{Fetch: jobs.Fetch{
		Project: "1", Database: "main/1.db", Table: "events", Mode: jobs.ModeSync, Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 2)},
	}})
	b.must(err)
	report := jobs.TableReport{Tables: []jobs.TableState{{Table: "events", Rows: 7}}}
	b.must(b.q.ReportTables(t.Context(), &jobs.Attempt{Record: r, Fence: 1 << 50}, report))
	before, err := b.q.Tables(t.Context())
	b.must(err)
	w := b.start("d-1")
	b.mini.FlushAll()
	w.step()
	after, err := b.q.Tables(t.Context())
	b.must(err)
	if diff := cmp.Diff(before, after); diff != "" || len(after) != 1 {
		t.Errorf("tables (-before +after):\n%s", diff)
	}
	report.Tables[0].Rows = 8
	b.must(b.q.ReportTables(t.Context(), &jobs.Attempt{Record: r, Fence: 1}, report)) // fences may begin anew
	if after, err = b.q.Tables(t.Context()); err != nil || after[0].Rows != 8 {
		t.Errorf("after the next report: %+v, %v", after, err)
	}
}
