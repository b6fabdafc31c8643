package held

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/jobs"
	"mixduck/storage"
)

type inner func(*jobs.Attempt) error

func (h inner) Run(_ context.Context, a *jobs.Attempt) error { return h(a) }

// woken are the jobs that the queue was told to continue.
type woken struct {
	mu   sync.Mutex // guards jobs
	jobs []string
}

func (w *woken) Wake(_ context.Context, database, id string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, database+" "+id)
	return true, nil
}

// want checks which jobs have continued.
func (w *woken) want(t *testing.T, jobs ...string) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.jobs, jobs) {
		t.Errorf("%v continued, want %v", w.jobs, jobs)
	}
}

func newKeeper(w *woken) *Keeper { return New(w, slog.New(slog.DiscardHandler)) }

var locked = &storage.LockedError{Path: "/data/x.db", PID: 13831, Command: "python3"}

// attempt runs one attempt that ends with err after it has loaded some windows.
func attempt(t *testing.T, k *Keeper, before jobs.Progress, windows int, err error) (jobs.Progress, error) {
	t.Helper()
	a := jobs.NewAttempt(jobs.Record{ID: "j", Database: "main/x.db", Progress: before}, 1, nil)
	got := k.Around(inner(func(a *jobs.Attempt) error {
		a.Report(jobs.Progress{WindowsDone: before.WindowsDone + windows})
		return err
	})).Run(t.Context(), a)
	return a.Progress(), got
}

func TestJobsThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(&woken{})
		start := time.Now().UTC()
		p, err := attempt(t, k, jobs.Progress{}, 0, locked)
		until, paused := jobs.PausedUntil(err)
		if !paused || !errors.Is(err, storage.ErrLocked) || !until.After(start) {
			t.Fatalf("error = %v, want a pause", err)
		}
		want := "waits for python3, PID 13831, since " + start.Format("2006-01-02 15:04 UTC")
		if err.Error() != want || p.Held == nil || !p.Held.Since.Equal(start) {
			t.Errorf("error = %q, held = %+v, want %q", err, p.Held, want)
		}
		if !k.Since().Equal(start) {
			t.Errorf("waiting since %s, want %s", k.Since(), start)
		}

		time.Sleep(time.Hour)
		if p, err = attempt(t, k, p, 0, locked); !p.Held.Since.Equal(start) || !strings.HasSuffix(err.Error(), start.Format("15:04 UTC")) {
			t.Errorf("an hour later: %v, held since %s, want since %s", err, p.Held.Since, start)
		}
		if p, _ = attempt(t, k, p, 1, locked); !p.Held.Since.Equal(time.Now()) {
			t.Errorf("after a window was loaded: held since %s, want now", p.Held.Since)
		}
		time.Sleep(24*time.Hour - time.Second)
		if _, err = attempt(t, k, p, 0, locked); jobs.IsPermanent(err) {
			t.Errorf("failed before a day: %v", err)
		}
		time.Sleep(time.Second)
		if _, err = attempt(t, k, p, 0, locked); !jobs.IsPermanent(err) || !errors.Is(err, storage.ErrLocked) {
			t.Errorf("after a day: %v, want that it fails because the database is locked", err)
		}
		if p, err = attempt(t, k, p, 0, nil); err != nil || p.Held != nil {
			t.Errorf("after a success: %v, held %+v", err, p.Held)
		}
		cut := errors.New("cut")
		if _, err = attempt(t, k, p, 0, cut); !errors.Is(err, cut) {
			t.Errorf("error = %v, want that of the other handler", err)
		}
	})
}

// A job continues within seconds after the file is free, and is asked for no sooner.
func TestJobsThatContinue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &woken{}
		k := newKeeper(w)
		start := time.Now()
		k.probe = func(string) (*storage.LockedError, error) {
			switch since := time.Since(start); {
			case since < 20*time.Second:
				return nil, storage.ErrUnknownHolder
			case since > 40*time.Second:
				return nil, nil
			}
			return locked, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go k.Run(ctx)
		_, _ = attempt(t, k, jobs.Progress{}, 0, locked)
		time.Sleep(40 * time.Second)
		w.want(t)
		time.Sleep(5 * time.Second)
		w.want(t, "main/x.db j")
		if !k.Since().IsZero() {
			t.Errorf("waiting since %s, want none", k.Since())
		}
	})
}
