package main

import (
	"context"
	"fmt"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// history is the queue's log of a job's attempts.
type history struct {
	attempts []jobs.PastAttempt
	windows  []jobs.WindowState
}

func historyOf(ctx context.Context, q *queue.Queue, job jobs.Record) (h history, err error) {
	if h.attempts, err = q.Attempts(ctx, job.ID); err != nil {
		return h, err
	}
	h.windows, err = q.Windows(ctx, job.ID)
	return h, err
}

// windowsShown limits how many unfinished windows are shown to a person.
const windowsShown = 10

// text returns a line per attempt that has ended, and per window that is not done.
func (h history) text(now time.Time) string {
	var l lines
	for _, a := range h.attempts {
		s := fmt.Sprintf("%d %s on %s, started %s, took %s", a.Number, a.Outcome, a.Worker, a.Started.UTC().Format(time.RFC3339),
			wording.ShortTime(max(0, a.Ended.Sub(a.Started))))
		if a.Message != "" {
			s += ": " + a.Message
		}
		l.add("attempt", s)
	}
	open := 0
	for _, w := range h.windows {
		if w.Phase == jobs.WindowDone {
			continue
		}
		if open++; open > windowsShown {
			continue
		}
		s := fmt.Sprintf("%s %s for %s", w.Days, w.Phase, wording.ShortTime(max(0, now.Sub(w.At))))
		if w.Tries > 1 {
			s += fmt.Sprintf(", try %d", w.Tries)
		}
		if w.Error != "" {
			s += ": " + w.Error
		}
		l.add("window", s)
	}
	if open > windowsShown {
		l.add("window", fmt.Sprintf("and %s that are not done", wording.Counted(int64(open-windowsShown), "other")))
	}
	return l.b.String()
}

// shownObject is a job as `jobs show --format json` prints it. Fields are only ever added.
type shownObject struct {
	object
	AttemptLog []attemptObject `json:"attempt_log"` // attempts that have ended, oldest first
	Windows    []windowObject  `json:"windows"`     // of the attempt that runs or ran last, by day
}

type attemptObject struct {
	Number    int                 `json:"number"`
	StartedAt *time.Time          `json:"started_at"`
	EndedAt   *time.Time          `json:"ended_at"`
	Worker    string              `json:"worker"`
	Outcome   jobs.AttemptOutcome `json:"outcome"`
	Code      string              `json:"code"` // of the error; "" for none
	Message   string              `json:"message"`
}

type windowObject struct {
	From  day.Day          `json:"from"`
	To    day.Day          `json:"to"`
	Phase jobs.WindowPhase `json:"phase"`
	Tries int              `json:"tries"`
	At    *time.Time       `json:"at"` // of the last change
	Rows  int64            `json:"rows"`
	Error string           `json:"error"`
}

func (h history) object(o object) shownObject {
	shown := shownObject{object: o, AttemptLog: []attemptObject{}, Windows: []windowObject{}}
	for _, a := range h.attempts {
		shown.AttemptLog = append(shown.AttemptLog, attemptObject{
			a.Number, timeOrNull(a.Started), timeOrNull(a.Ended), a.Worker, a.Outcome, string(a.Code), a.Message,
		})
	}
	for _, w := range h.windows {
		shown.Windows = append(shown.Windows, windowObject{w.Days.From, w.Days.To, w.Phase, w.Tries, timeOrNull(w.At), w.Rows, w.Error})
	}
	return shown
}
