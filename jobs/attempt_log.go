package jobs

import (
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// PastAttempt describes an attempt that has ended. The queue keeps the last 20 of a job.
type PastAttempt struct {
	Number  int // counted from 1; attempts that did not count have the same number as the next one
	Started time.Time
	Ended   time.Time
	Worker  string // ID
	Outcome AttemptOutcome
	Code    fault.Code // of the error
	Message string     // the error, or why the job was paused; "" for none
}

// AttemptOutcome says how an attempt ended.
type AttemptOutcome string

// The outcomes of attempts.
const (
	AttemptDone      AttemptOutcome = "done"
	AttemptFailed    AttemptOutcome = "failed"   // and so did the job
	AttemptRetrying  AttemptOutcome = "retrying" // failed, but another attempt follows
	AttemptPaused    AttemptOutcome = "paused"
	AttemptCancelled AttemptOutcome = "cancelled"
	AttemptStopped   AttemptOutcome = "stopped" // the worker was told to stop
	AttemptCrashed   AttemptOutcome = "crashed" // the worker died
	AttemptStalled   AttemptOutcome = "stalled" // the worker lived, but sent no heartbeats
	AttemptLost      AttemptOutcome = "lost"    // the queue forgot the turn
)

// WindowState describes a window of a fetch that is running, or of the last attempt.
type WindowState struct {
	Days  day.Range   `json:"days"`
	Phase WindowPhase `json:"phase"`
	Tries int         `json:"tries"`           // including this one
	At    time.Time   `json:"at"`              // of the last change
	Rows  int64       `json:"rows,omitempty"`  // stored
	Error string      `json:"error,omitempty"` // of the last try that failed
}

// WindowPhase is the progress of a window.
type WindowPhase string

// The phases of a window.
const (
	WindowDownloading WindowPhase = "downloading"
	WindowLoading     WindowPhase = "loading" // or waiting for another window to be loaded
	WindowRepeating   WindowPhase = "repeating"
	WindowFailed      WindowPhase = "failed"
	WindowDone        WindowPhase = "done"
)

// maxWindows limits how many windows of an attempt are reported.
const maxWindows = 4000

// ReportWindow records the state of a window. It replaces reported windows that share a day with it. It is cheap and safe
// for concurrent use.
func (a *Attempt) ReportWindow(w WindowState) {
	w.Error = shorten(OneLine(w.Error), maxFailingMessage)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.windows == nil {
		a.windows = make(map[day.Range]bool)
	}
	if a.changed == nil {
		a.changed = make(map[day.Range]*WindowState)
	}
	for known := range a.windows {
		if known != w.Days && known.From <= w.Days.To && w.Days.From <= known.To {
			delete(a.windows, known)
			a.changed[known] = nil
		}
	}
	if a.windows[w.Days] || len(a.windows) < maxWindows {
		a.windows[w.Days] = true
		a.changed[w.Days] = &w
	}
}

// UnwrittenWindows returns the windows that have changed since the last call, by their days; nil for windows that were
// replaced.
func (a *Attempt) UnwrittenWindows() map[day.Range]*WindowState {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := a.changed
	a.changed = nil
	return changed
}
