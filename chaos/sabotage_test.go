package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/mixpanel/mixpaneltest"
)

// blameless returns the results for one database when nothing goes wrong: jobs that ran one after another, each window
// requested and stored once.
func blameless() (*chapter, work) {
	w := work{databases: 1, jobs: 4}
	c := &chapter{name: databaseName(0), records: map[string]jobs.Record{}, history: &history{ends: map[string][]string{}, turns: map[string][]turn{}}}
	at := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	tick := func() time.Time {
		at = at.Add(10 * time.Millisecond)
		return at
	}
	for n := range w.jobs {
		id := fmt.Sprintf("job%d", n)
		c.ids = append(c.ids, id)
		r := jobs.Record{ID: id, State: jobs.StateDone, Attempt: 1, StartedAt: tick()}
		for d := range w.daysOf(n).All() {
			one := day.Range{From: d, To: d}
			bytes := int64(100 + len(c.ledger.receipts))
			in := receipt{job: id, days: one, rows: 20, bytes: bytes, hash: fmt.Sprint(id, d), fetchedAt: tick()}
			c.requests = append(c.requests, mixpaneltest.Request{At: tick(), EndedAt: tick(), Days: one, Bytes: bytes, Done: true})
			in.loadedAt = tick()
			c.ledger.receipts = append(c.ledger.receipts, in)
			r.Progress.Rows += in.rows
			r.Progress.WindowsDone++
		}
		r.FinishedAt = tick()
		c.records[id] = r
		c.history.ends[id] = []string{"done"}
		c.history.turns[c.name] = append(c.history.turns[c.name], turn{id, int64(n + 1)})
	}
	c.ledger.fence = int64(w.jobs)
	c.ledger.rows, c.truth = []string{"a", "b"}, []string{"a", "b"}
	return c, w
}

// The checks find the problems that they are for, and nothing else.
func TestChecksFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		harm func(*chapter)
		want crime
	}{
		{"a job that never ended", func(c *chapter) { c.change("job2", func(r *jobs.Record) { r.State = jobs.StateRunning }) }, lost},
		{"a job that nobody knows", func(c *chapter) { delete(c.records, "job2") }, lost},
		{"a second attempt", func(c *chapter) { c.change("job2", func(r *jobs.Record) { r.Attempt = 2 }) }, disorder},
		{"a job that began before the one in front had ended", func(c *chapter) {
			c.change("job2", func(r *jobs.Record) { r.StartedAt = r.StartedAt.Add(-time.Second) })
		}, inversion},
		{"receipts in another order", func(c *chapter) { c.swapReceipts(2, 3) }, inversion},
		{"a window that was stored after its job", func(c *chapter) {
			c.ledger.receipts[2].loadedAt = c.ledger.receipts[2].loadedAt.Add(time.Second)
		}, overlap},
		{"a receipt that is missing", func(c *chapter) { c.ledger.receipts = slices.Delete(c.ledger.receipts, 2, 3) }, lost},
		{"a receipt that is there twice", func(c *chapter) { c.ledger.receipts = append(c.ledger.receipts, c.ledger.receipts[4]) }, twice},
		{"an answer to nobody's request", func(c *chapter) { c.requests[3].Bytes++ }, twice},
		{"requests of two jobs at once", func(c *chapter) { c.requests[2].EndedAt = c.requests[4].EndedAt }, overlap},
		{"a row too many", func(c *chapter) { c.ledger.rows = append(c.ledger.rows, "b") }, wrongRows},
		{"a row that is missing", func(c *chapter) { c.ledger.rows = c.ledger.rows[:1] }, wrongRows},
		{"a job that ended twice", func(c *chapter) { c.history.ends["job1"] = []string{"done", "done"} }, twice},
		{"a turn out of order", func(c *chapter) { c.swapTurns(1, 3) }, inversion},
		{"a fence that does not grow", func(c *chapter) { c.history.turns[c.name][2].fence = 1 }, overlap},
		{"a writer after the last turn", func(c *chapter) { c.ledger.fence++ }, overlap},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v verdict
			c, w := blameless()
			if c.check(&v, w); len(v.problems) > 0 {
				t.Fatalf("before any harm: %s", v.problems)
			}
			tt.harm(c)
			if c.check(&v, w); v.counts[tt.want] == 0 {
				t.Errorf("the verdict is %s %q", &v, v.problems)
			}
		})
	}
}

func (c *chapter) change(id string, change func(*jobs.Record)) {
	r := c.records[id]
	change(&r)
	c.records[id] = r
}

func (c *chapter) swapReceipts(i, j int) {
	r := c.ledger.receipts
	r[i], r[j] = r[j], r[i]
}

func (c *chapter) swapTurns(i, j int) {
	all := c.history.turns[c.name]
	all[i].job, all[j].job = all[j].job, all[i].job
}
