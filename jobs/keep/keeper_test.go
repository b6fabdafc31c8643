package keep_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/keep"
	"mixduck/jobs/schedule"
)

func TestWhatRedisLosesComesBack(t *testing.T) {
	t.Parallel()
	for _, lose := range []struct {
		name string
		how  func(*bench)
	}{
		{"all", func(b *bench) { b.flush() }},
		{"all but the mark", func(b *bench) { b.flush("mixduck:{jobs}:generation", "mixduck:tables") }},
	} {
		t.Run(lose.name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(b *bench) {
				w := b.start("d-1", daily("file"), daily("held"))
				if w.rebuilt != 1 {
					b.Errorf("databases were read %d times at the start, want 1", w.rebuilt)
				}
				b.must(schedule.NewStore(b.q).Add(b.Context(), daily("added")))
				b.must(schedule.NewStore(b.q).Add(b.Context(), daily("gone")))
				b.pause("held")
				w.step()
				b.must(schedule.NewStore(b.q).Remove(b.Context(), "gone"))
				b.must(schedule.NewStore(b.q).Remove(b.Context(), "file")) // comes back at the worker's next start, not before
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
					b.Errorf("status %+v", s)
				}
				if projects, err := b.q.Projects(b.Context()); err != nil || len(projects) != 1 {
					b.Errorf("projects %v, %v", projects, err)
				}
				if w.rebuilt != 2 {
					b.Errorf("databases were read %d times, want once more", w.rebuilt)
				}
				if !strings.Contains(w.log.String(), "level=WARN") {
					b.Errorf("the log says nothing of the loss:\n%s", w.log)
				}
				b.start("d-1", daily("file"), daily("held"))
				b.want("after a start", "added 15 6 * * * []\nfile 15 6 * * * [d-1]\nheld 15 6 * * * [d-1] paused")
			})
		})
	}
}

// The next start notices what happened while no worker was running.
func TestALossWhileNothingRunsIsMadeGood(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		w := b.start("d-1")
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("added")))
		tick := time.Now().Truncate(time.Minute).UTC()
		b.fire("added", tick)
		w.step()
		want := "added 15 6 * * * [] " + tick.Format(time.RFC3339)
		b.want("before", want)
		b.replaceRedis()
		again := b.start("d-1")
		b.want("of an empty Redis", want)
		if again.Status().Losses != 1 {
			b.Errorf("%d losses, want 1", again.Status().Losses)
		}
	})
}

func TestAnotherQueueKeepsItsOwnSchedules(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		b.start("other-1")
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("there")))
		b.start("other-1")
		there := b.rdb
		b.replaceRedis()
		w := b.start("d-1")
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("here")))
		w.step()
		b.age("d-1", time.Hour)
		b.use(there)
		moved := b.start("d-1")
		b.want("of the other queue", "there 15 6 * * * []")
		if moved.Status().Losses != 0 {
			b.Error("another queue counts as a loss")
		}
	})
}

// Of two workers the one with the more recent changes is right, in whatever order they find out.
func TestCopiesOfTwoWorkersAgree(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			b.dir = b.TempDir()
			b.replaceRedis()
			b.must(schedule.NewStore(b.q).Add(b.Context(), daily("kept")))
			b.must(schedule.NewStore(b.q).Add(b.Context(), daily("removed")))
			b.must(schedule.NewStore(b.q).Add(b.Context(), daily("paused")))
			nodes := [2]*node{b.start("d-1"), b.start("e-1")}
			b.must(schedule.NewStore(b.q).Remove(b.Context(), "removed"))
			b.pause("paused")
			nodes[1].step() // the other one does not know yet
			b.flush()
			nodes[order[0]].step()
			nodes[order[1]].step()
			b.want(fmt.Sprint("in order ", order), "kept 15 6 * * * []\npaused 15 6 * * * [] paused")
		}
	})
}

// A Redis that returns to an older state restores neither removed schedules nor an old pause.
func TestAnOldStateOfRedisIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		w := b.start("d-1")
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("kept")))
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("removed")))
		now, err := b.q.Time(b.Context())
		b.must(err)
		old, err := schedule.NewStore(b.q).Copy(b.Context(), now)
		b.must(err)
		b.must(schedule.NewStore(b.q).Remove(b.Context(), "removed"))
		b.pause("kept")
		w.step()
		for _, name := range []string{"kept", "removed"} {
			for field, value := range old.Schedules[name].Fields {
				b.must(b.rdb.HSet(b.Context(), "mixduck:{jobs}:schedule:"+name, field, value).Err())
			}
			b.must(b.rdb.HDel(b.Context(), "mixduck:{jobs}:schedule:"+name, "paused").Err())
			b.must(b.rdb.SAdd(b.Context(), "mixduck:{jobs}:schedules", name).Err())
		}
		b.must(b.rdb.Del(b.Context(), "mixduck:{jobs}:removed", "mixduck:{jobs}:generation").Err())
		w.step()
		b.want("that went back", "kept 15 6 * * * [] paused")
	})
}

func TestACopyThatCannotBeReadIsMadeAnew(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		name := filepath.Join(b.dir, "copy-d-1.json")
		b.must(os.WriteFile(name, []byte(`{"generation`), 0o600))
		b.must(schedule.NewStore(b.q).Add(b.Context(), daily("added")))
		w := b.start("d-1")
		if !strings.Contains(w.log.String(), "level=ERROR") {
			b.Errorf("the log says nothing of it:\n%s", w.log)
		}
		b.flush()
		w.step()
		b.want("from the new copy", "added 15 6 * * * []")
	})
}

func TestTablesComeBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		r, err := b.q.Submit(b.Context(), jobs.Request{Fetch: jobs.Fetch{
			Project: "1", Database: "main/1.db", Table: "events", Mode: jobs.ModeSync, Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 2)},
		}})
		b.must(err)
		report := jobs.TableReport{Tables: []jobs.TableState{{Table: "events", Rows: 7}}}
		b.must(b.q.ReportTables(b.Context(), &jobs.Attempt{Record: r, Fence: 1 << 50}, report))
		before, err := b.q.Tables(b.Context())
		b.must(err)
		w := b.start("d-1")
		b.flush()
		w.step()
		after, err := b.q.Tables(b.Context())
		b.must(err)
		if diff := cmp.Diff(before, after); diff != "" || len(after) != 1 {
			b.Errorf("tables (-before +after):\n%s", diff)
		}
		report.Tables[0].Rows = 8
		b.must(b.q.ReportTables(b.Context(), &jobs.Attempt{Record: r, Fence: 1}, report)) // fences may start over
		if after, err = b.q.Tables(b.Context()); err != nil || after[0].Rows != 8 {
			b.Errorf("after the next report: %+v, %v", after, err)
		}
	})
}

// refuseWrites makes a server reject all writes until it has this many replicas.
func (b *bench) refuseWrites(replicas string) {
	b.Helper()
	b.must(b.rdb.ConfigSet(b.Context(), "min-replicas-to-write", replicas).Err())
}

// inBubble runs a test on a real server with a clock that only the test advances.
func inBubble(t *testing.T, test func(*bench)) {
	t.Helper()
	server, dir := proctest.NewRedis(t), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		test(newBench(t, server.Client(t), dir))
	})
}

func TestAWorkerIsUnreadyWhileSchedulesAreMissing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bench) {
		w := b.start("d-1", daily("file"))
		b.flush()
		b.refuseWrites("1")
		check := func(after time.Duration, want string) {
			b.Helper()
			time.Sleep(after)
			if err := w.Step(b.Context()); (err != nil) != (w.Status().Missing > 0) {
				b.Errorf("Step() after %s = %v, status %+v", after, err, w.Status())
			}
			got := ""
			if err := w.Check(b.Context()); err != nil {
				got = err.Error()
			}
			if got != want {
				b.Errorf("Check() after %s = %q, want %q", after, got, want)
			}
		}
		check(time.Second, "")
		check(29*time.Second, "")
		check(time.Second, "the queue does not know file, so nothing fetches their days")
		b.refuseWrites("0")
		check(time.Second, "")
	})
}

func TestALockedDatabaseIsReadAMinuteLater(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bench) {
		w := b.start("d-1")
		b.flush()
		w.locked = []string{"main/1.db"}
		w.step()
		if w.rebuilt != 2 || w.only != nil {
			b.Fatalf("databases were read %d times, the last time only %q; want a second time, all", w.rebuilt, w.only)
		}
		time.Sleep(30 * time.Second)
		w.step()
		if w.rebuilt != 2 {
			b.Error("a locked database was read again at once")
		}
		time.Sleep(30 * time.Second)
		w.locked = nil
		w.step()
		if w.rebuilt != 3 || !slices.Equal(w.only, []string{"main/1.db"}) {
			b.Errorf("databases were read %d times, the last time only %q; want the locked one again", w.rebuilt, w.only)
		}
		time.Sleep(time.Minute)
		w.step()
		if w.rebuilt != 3 {
			b.Error("a database that is free was read again")
		}
	})
}

// A volume may be new to a queue that knows others.
func TestDatabasesAreReadAtTheStartThoughOthersAreKnown(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		a := &jobs.Attempt{Fence: 1, Record: jobs.Record{Kind: jobs.KindEdit, Database: "other/1.db"}}
		b.must(b.q.ReportTables(b.Context(), a, jobs.TableReport{Tables: []jobs.TableState{{Table: "events"}}}))
		w := b.start("d-1")
		w.step()
		if w.rebuilt != 1 || w.only != nil {
			b.Errorf("databases were read %d times, the last time only %q; want once, all", w.rebuilt, w.only)
		}
	})
}

func TestSavedQuestionsComeBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(b *bench) {
		b.start("d-1")
		for _, name := range []string{"kept", "removed"} {
			b.must(b.q.SaveQuestion(b.Context(), jobs.SavedQuestion{Name: name, SQL: "SELECT 1", Database: "main/1.db"}))
		}
		b.must(b.q.RemoveQuestion(b.Context(), "removed"))
		b.start("d-1") // copies them
		b.replaceRedis()
		b.start("d-1")
		if all, err := b.q.SavedQuestions(b.Context()); err != nil || len(all) != 1 || all[0].Name != "kept" {
			b.Errorf("questions %+v, %v", all, err)
		}
	})
}
