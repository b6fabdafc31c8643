package chaos

import (
	"context"
	"fmt"
	"testing"
	"time"
)

const (
	atMost = 10 * time.Minute // for a scenario at scale 1: the machine may be busy
	wakes  = 3 * time.Second  // time for a woken worker to do harm
)

// run runs a scenario, checks the results, and prints them as a line.
func (sc scenario) run(t *testing.T, bin string) {
	t.Helper()
	s := newSite(t, bin, sc)
	began := time.Now()
	s.deadline = began.Add(time.Duration(scale(t)) * atMost)
	s.submit(t)
	times := sc.disturb(t, s)
	took := time.Since(began)

	var v verdict
	records, before := s.records(t), s.fingerprints(t)
	if len(s.frozen) > 0 {
		s.thaw(t)
		s.pass(t, wakes)
	}
	for _, p := range s.workers {
		p.Terminate(t)
	}
	checkUntouched(&v, before, s.fingerprints(t))
	s.check(t, &v, records, sc.again)
	fmt.Printf("%-28s %5d jobs %3d databases  %-16s %s %4.0f s\n",
		sc.title, s.work.total(), s.work.databases, counted(times, sc.unit), &v, took.Seconds())
	v.fail(t)
}

// counted returns "1 kill" or "3 kills".
func counted(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// unfinished waits for d, or until all jobs are done, and reports whether some are not.
func (s *site) unfinished(tb testing.TB, d time.Duration) bool {
	tb.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := s.count(tb.Context(), "done")
		failed, failedErr := s.count(tb.Context(), "failed")
		switch {
		case err == nil && done >= s.work.total():
			return false
		case failedErr == nil && failed > 0:
			tb.Fatalf("%d jobs have failed, %d are done; the first: %s", failed, done, s.failure(tb.Context()))
		case time.Now().After(s.deadline):
			tb.Fatalf("of %d jobs only %d are done (%v)", s.work.total(), done, err)
		}
		select {
		case <-tick.C:
		case <-over.C:
			return true
		}
	}
}

// count returns how many jobs are in a state.
func (s *site) count(ctx context.Context, state string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	n, err := s.client.ZCard(ctx, stateKeys+state).Result()
	return int(n), err
}

// failure returns why a job has failed.
func (s *site) failure(ctx context.Context) string {
	ids, err := s.client.ZRange(ctx, stateKeys+"failed", 0, 0).Result()
	if err != nil || len(ids) == 0 {
		return "unknown"
	}
	return ids[0] + " " + s.client.HGet(ctx, recordKeys+ids[0], "failure").Val()
}

// pass waits for d.
func (s *site) pass(tb testing.TB, d time.Duration) {
	tb.Helper()
	select {
	case <-time.After(d):
	case <-tb.Context().Done():
	}
}

// about returns a random duration between half of d and one and a half times d.
func (s *site) about(d time.Duration) time.Duration {
	return d/2 + time.Duration(s.random.Int64N(int64(d)))
}
