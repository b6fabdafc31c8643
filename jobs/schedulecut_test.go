package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"mixduck/internal/day"
)

// Whoever fires may die between any two of its steps, or get no answer: the tick has one job then, which is in its lane as
// soon as another worker looks.
func TestATickThatIsCutOffMakesOneJob(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, lose := range []bool{false, true} {
		for left := 0; ; left++ {
			mini := miniredis.NewMiniRedis()
			t.Cleanup(mini.Close)
			clean, dying := piped(t, mini), piped(t, mini)
			cut := &cutter{left: -1}
			dying.AddHook(cut)
			c := newClock()
			survivor, err := NewQueue(clean, Config{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			victim, err := NewQueue(dying, Config{Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			s := Schedule{Name: "x", Project: "1", ProjectZone: "UTC", Database: "main/x.db", Cron: "@daily", Start: day.New(2026, 1, 1)}
			if err := survivor.AddSchedule(ctx, s); err != nil {
				t.Fatal(err)
			}
			now := c.Now()
			tick := now.Truncate(24 * time.Hour)
			state, err := survivor.Schedule(ctx, "x", now)
			if err != nil {
				t.Fatal(err)
			}
			cut.left, cut.lose = left, lose
			_, _, _ = victim.Fire(ctx, state, tick, now)
			whole := cut.left > 0 // it was not cut off any more

			if err := survivor.Arrivals(ctx); err != nil {
				t.Fatal(err)
			}
			if err := sweepAll(ctx, testSweeper(survivor, identity{id: "w2"})); err != nil { // as its worker does
				t.Fatal(err)
			}
			if _, _, err := survivor.Fire(ctx, state, tick, now); err != nil {
				t.Fatal(err)
			}
			all, err := survivor.List(ctx, Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 1 || all[0].State != StateQueued || lookAt(t, survivor, "main/x.db").turn.job != all[0].ID {
				t.Errorf("cut off after %d commands (answer lost: %t): jobs %+v, want one, queued", left, lose, all)
			}
			if n := clean.SCard(ctx, arrivingKey).Val(); n > 0 && whole {
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
