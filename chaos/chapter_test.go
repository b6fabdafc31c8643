package chaos

import (
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/mixpanel/mixpaneltest"
)

// chapter contains everything known about one database.
type chapter struct {
	name     string
	ids      []string               // of its jobs, in order of submission
	records  map[string]jobs.Record // of these jobs and others
	ledger   ledger
	requests []mixpaneltest.Request // for its project, in order of arrival
	truth    []string               // the expected rows, sorted
	froze    bool                   // a worker was frozen at some time
	history  *history               // nil if Redis has written none
}

func (c *chapter) check(v *verdict, w work) {
	c.checkRecords(v)
	c.checkOrder(v)
	c.checkDays(v, w)
	c.checkAnswers(v)
	if !c.froze { // a worker that wakes up can send one more request before it notices
		c.checkRequests(v)
	}
	if c.history != nil {
		c.checkEnds(v)
		c.checkTurns(v)
	}
	if !slices.Equal(c.ledger.rows, c.truth) {
		v.add(wrongRows, "%s holds %d rows, which are not the %d of Mixpanel", c.name, len(c.ledger.rows), len(c.truth))
	}
}

// checkRecords checks that each job is done, at its first attempt, and after the one submitted before it.
func (c *chapter) checkRecords(v *verdict) {
	var last jobs.Record
	for n, id := range c.ids {
		r, ok := c.records[id]
		switch {
		case !ok:
			v.add(lost, "%s: job %d is not known", c.name, n)
			continue
		case r.State != jobs.StateDone:
			v.add(lost, "%s: job %d is %s", c.name, n, r.State)
		case r.Attempt != 1 || r.Failure != nil:
			v.add(disorder, "%s: job %d took %d attempts: %+v", c.name, n, r.Attempt, r.Failure)
		}
		if r.StartedAt.Before(last.FinishedAt) {
			v.add(inversion, "%s: job %d started at %s, before the end of the one before it at %s", c.name, n, r.StartedAt, last.FinishedAt)
		}
		last = r
	}
}

// precision is the precision of times in records.
const precision = time.Millisecond

// checkOrder checks that the windows were stored in the order of their jobs, each while its job ran, and from
// responses requested after the earlier jobs had stored their last.
func (c *chapter) checkOrder(v *verdict) {
	newest := 0
	var last, until time.Time // of the windows so far, and of those of earlier jobs
	for _, r := range c.ledger.receipts {
		n, record := slices.Index(c.ids, r.job), c.records[r.job]
		if n < newest {
			v.add(inversion, "%s: job %d (%s) stored %s after job %d", c.name, n, r.job, r.days, newest)
			continue
		}
		if n > newest {
			newest, until = n, last
		}
		last = r.loadedAt
		if r.fetchedAt.Before(until) {
			v.add(overlap, "%s: job %d asked for %s at %s, when another one stored until %s", c.name, n, r.days, r.fetchedAt, until)
		}
		if r.fetchedAt.Before(record.StartedAt) || r.loadedAt.After(record.FinishedAt.Add(precision)) {
			v.add(overlap, "%s: job %d ran from %s to %s, but asked for %s at %s and stored it at %s",
				c.name, n, record.StartedAt, record.FinishedAt, r.days, r.fetchedAt, r.loadedAt)
		}
	}
}

// checkDays checks that each job has stored each of its days once and no others, and that its record agrees.
func (c *chapter) checkDays(v *verdict, w work) {
	for n, id := range c.ids {
		stored := map[day.Day]int{}
		var rows int64
		windows := 0
		for _, r := range c.ledger.receipts {
			if r.job != id {
				continue
			}
			for d := range r.days.All() {
				stored[d]++
			}
			rows += r.rows
			windows++
		}
		for d := range w.daysOf(n).All() {
			if stored[d] == 0 {
				v.add(lost, "%s: job %d has no receipt of %s", c.name, n, d)
			}
			stored[d]--
		}
		for d, more := range stored {
			if more > 0 {
				v.add(twice, "%s: job %d has %d receipts too many of %s", c.name, n, more, d)
			}
		}
		if p := c.records[id].Progress; p.Rows != rows || p.WindowsDone != windows {
			v.add(disorder, "%s: job %d speaks of %d rows in %d windows, its receipts of %d in %d", c.name, n, p.Rows, p.WindowsDone, rows, windows)
		}
	}
}

// checkAnswers checks that each receipt is for the response to a separate request, and stored once.
func (c *chapter) checkAnswers(v *verdict) {
	stored := map[string]bool{}
	used := make([]bool, len(c.requests))
	for _, r := range c.ledger.receipts {
		if stored[r.hash] {
			v.add(twice, "%s: job %s stored an answer for %s that was stored before", c.name, r.job, r.days)
		}
		stored[r.hash] = true
		at := slices.IndexFunc(c.requests, func(q mixpaneltest.Request) bool {
			return q.Done && q.Days == r.days && q.Bytes == r.bytes && !q.At.Before(r.fetchedAt) && !q.At.After(r.loadedAt)
		})
		if at < 0 || used[at] {
			v.add(twice, "%s: job %s stored an answer for %s that was not given to it", c.name, r.job, r.days)
			continue
		}
		used[at] = true
	}
}

// checkRequests checks that no job sent a request while another one did.
func (c *chapter) checkRequests(v *verdict) {
	for i := range len(c.requests) - 1 {
		q, next := c.requests[i], c.requests[i+1]
		neighbours := next.Days.From == q.Days.From+1 || next.Days.From == q.Days.From-1 // the first job's may be sent at once
		if next.At.Before(q.EndedAt) && !neighbours {
			v.add(overlap, "%s: %s was asked for at %s, before the end of the request for %s at %s", c.name, next.Days, next.At, q.Days, q.EndedAt)
		}
	}
}

// checkEnds checks that each job ended once.
func (c *chapter) checkEnds(v *verdict) {
	for n, id := range c.ids {
		switch ends := c.history.ends[id]; {
		case len(ends) == 0:
			v.add(lost, "%s: job %d has not ended", c.name, n)
		case len(ends) > 1:
			v.add(twice, "%s: job %d has ended as %s", c.name, n, ends)
		}
	}
}

// checkTurns checks that the jobs had their turns in order, with increasing fences, and that the last of them was the
// last to write.
func (c *chapter) checkTurns(v *verdict) {
	newest := 0
	var fence int64
	for _, t := range c.history.turns[c.name] {
		n := slices.Index(c.ids, t.job)
		if n != newest && n != newest+1 {
			v.add(inversion, "%s: job %d (%s) had its turn after job %d", c.name, n, t.job, newest)
		}
		if t.fence <= fence {
			v.add(overlap, "%s: job %d had fence %d, after %d", c.name, n, t.fence, fence)
		}
		newest, fence = n, t.fence
	}
	if newest != len(c.ids)-1 {
		v.add(lost, "%s: the last turn was that of job %d", c.name, newest)
	}
	if c.ledger.fence != fence {
		v.add(overlap, "%s: was written to under fence %d last, and the last turn had %d", c.name, c.ledger.fence, fence)
	}
}
