package page

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
	"mixduck/web/page/draw"
)

// timelines shares one timeline between all open pages.
type timelines struct {
	mu    sync.Mutex
	last  draw.Chart
	at    time.Time
	state string // of the queue when it was drawn
}

// get returns the timeline that draw returned last, unless it is too old for the state of the queue.
func (t *timelines) get(l *look, draw func() (draw.Chart, error)) (draw.Chart, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	state := fmt.Sprint(l.counts)
	age := l.at.Sub(t.at)
	if t.state == state && (age < drawOften || age < drawSeldom && len(l.running) == 0) {
		return t.last, nil
	}
	last, err := draw()
	if err == nil {
		t.last, t.at, t.state = last, l.at, state
	}
	return last, err
}

const (
	drawOften  = 5 * time.Second // between timelines while jobs run
	drawSeldom = time.Minute     // while nothing happens

	timelineOf   = 24 * time.Hour
	timelineJobs = 200 // newest; older ones that still run are drawn, too
)

// timeline returns the attempts of the last day, by database.
func (p *Page) timeline(ctx context.Context, b *Backend, l *look) (draw.Chart, error) {
	found, err := b.Queue.List(ctx, queue.Filter{Limit: timelineJobs})
	if err != nil {
		return draw.Chart{}, err
	}
	for _, job := range l.running {
		if !slices.ContainsFunc(found, func(known jobs.Record) bool { return known.ID == job.ID }) {
			found = append(found, job)
		}
	}
	from := l.at.Add(-timelineOf)
	found = slices.DeleteFunc(found, func(job jobs.Record) bool {
		return job.Kind == jobs.KindQuery || job.State.Final() && job.FinishedAt.Before(from)
	})
	ids := make([]string, len(found))
	for i, job := range found {
		ids[i] = job.ID
	}
	attempts, err := b.Queue.AttemptsOf(ctx, ids)
	if err != nil {
		return draw.Chart{}, err
	}
	var spans []draw.Span
	for _, job := range found {
		name := newJobLine(job, l.names, l.at)
		what := job.Table() + ", " + name.What
		for _, a := range attempts[job.ID] {
			spans = append(spans, draw.Span{Lane: job.Database, From: a.Started, To: a.Ended, Class: attemptClass(a.Outcome), Link: job.ID, Title: barTitle(what, string(a.Outcome), a.Ended.Sub(a.Started))})
		}
		if job.State == jobs.StateRunning && !job.AttemptAt.IsZero() {
			spans = append(spans, draw.Span{Lane: job.Database, From: job.AttemptAt, To: l.at, Class: "facc", Link: job.ID, Title: barTitle(what, status.Standing(job, l.at), l.at.Sub(job.AttemptAt))})
		}
	}
	return draw.Gantt(spans, from, l.at), nil
}

func barTitle(what, how string, took time.Duration) string {
	return fmt.Sprintf("%s: %s, %s", wording.Printable(what), how, wording.ShortTime(max(0, took)))
}

// attemptClass returns the color of an attempt that has ended.
func attemptClass(o jobs.AttemptOutcome) string {
	switch o {
	case jobs.AttemptDone:
		return "fok"
	case jobs.AttemptFailed, jobs.AttemptCrashed, jobs.AttemptStalled, jobs.AttemptLost:
		return "fbad"
	case jobs.AttemptRetrying, jobs.AttemptPaused:
		return "fp"
	case jobs.AttemptCancelled, jobs.AttemptStopped:
	}
	return "fidle"
}

// attemptLine is an attempt that has ended.
type attemptLine struct {
	Number  int                 `json:"number"`
	Started time.Time           `json:"started_at"`
	Ended   time.Time           `json:"ended_at"`
	Worker  string              `json:"worker"`
	Outcome jobs.AttemptOutcome `json:"outcome"`
	Code    string              `json:"code,omitempty"`
	Message string              `json:"message,omitempty"`
	Took    time.Duration       `json:"-"`
	Class   string              `json:"-"` // of its point
}

func newAttemptLine(a jobs.PastAttempt) attemptLine {
	line := attemptLine{
		Number: a.Number, Started: a.Started, Ended: a.Ended, Worker: a.Worker, Outcome: a.Outcome, Code: string(a.Code), Message: a.Message,
		Took: max(0, a.Ended.Sub(a.Started)),
	}
	line.Class = map[string]string{"fok": "ok", "fbad": "bad"}[attemptClass(a.Outcome)]
	return line
}

// windowsShown limits how many windows of a job its page shows. The JSON of the page has all.
const windowsShown = 40

// shownWindows returns the windows that a page shows: first those that are not done, then the newest of the others.
func shownWindows(all []jobs.WindowState) (shown []jobs.WindowState, more int) {
	shown = slices.Clone(all)
	slices.SortStableFunc(shown, func(a, b jobs.WindowState) int {
		if aDone, bDone := a.Phase == jobs.WindowDone, b.Phase == jobs.WindowDone; aDone != bDone {
			if aDone {
				return 1
			}
			return -1
		}
		return b.At.Compare(a.At)
	})
	more = max(0, len(shown)-windowsShown)
	return shown[:len(shown)-more], more
}
