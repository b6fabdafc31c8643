package worker

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"mixduck/internal/day"
	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// A process that fires can die between any two of its steps, or get no reply: then the tick has one job, which is in
// its lane as soon as another worker looks.
func TestATickThatIsCutOffMakesOneJob(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, lose := range []bool{false, true} {
		for left := 0; ; left++ {
			mini := miniredis.NewMiniRedis()
			t.Cleanup(mini.Close)
			clean, dying := redistest.Piped(t, mini), redistest.Piped(t, mini)
			cut := &cutter{left: -1}
			dying.AddHook(cut)
			c := redistest.NewClock()
			survivor, err := queue.New(clean, queue.Config{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			victim, err := queue.New(dying, queue.Config{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			s := jobs.Schedule{Name: "x", Project: "1", ProjectZone: "UTC", Database: "main/x.db", Cron: "@daily", Start: day.New(2026, 1, 1)}
			if err := schedule.NewStore(survivor).Add(ctx, s); err != nil {
				t.Fatal(err)
			}
			now := c.Now()
			tick := now.Truncate(24 * time.Hour)
			state, err := schedule.NewStore(survivor).Get(ctx, "x", now)
			if err != nil {
				t.Fatal(err)
			}
			cut.left, cut.lose = left, lose
			_, _, _ = schedule.NewStore(victim).Fire(ctx, state, tick, now)
			whole := cut.left > 0 // it was not interrupted any more

			if err := schedule.NewStore(survivor).Arrivals(ctx); err != nil {
				t.Fatal(err)
			}
			if err := sweepAll(ctx, testSweeper(survivor, lanes.Identity{ID: "w2"})); err != nil { // as its worker does
				t.Fatal(err)
			}
			if _, _, err := schedule.NewStore(survivor).Fire(ctx, state, tick, now); err != nil {
				t.Fatal(err)
			}
			all, err := survivor.List(ctx, queue.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 1 || all[0].State != jobs.StateQueued || lookAt(t, survivor, "main/x.db").Turn.Job != all[0].ID {
				t.Errorf("cut off after %d commands (answer lost: %t): jobs %+v, want one, queued", left, lose, all)
			}
			if n := clean.SCard(ctx, lanes.ArrivingKey).Val(); n > 0 && whole {
				t.Errorf("%d jobs still arrive", n)
			}
			if whole {
				if left < 5 {
					t.Fatalf("firing takes %d commands: the test has cut nothing off", left)
				}
				break
			}
		}
	}
}
