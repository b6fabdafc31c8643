package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"mixduck/internal/proctest"
)

// killer kills workers at random moments.
type killer struct {
	seed   uint64
	random *rand.Rand
}

// newKiller takes its seed from E2E_SEED, so a run can be repeated.
func newKiller(tb testing.TB) *killer {
	tb.Helper()
	k := &killer{seed: 20}
	if text := os.Getenv("E2E_SEED"); text != "" {
		var err error
		if k.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			tb.Fatal(err)
		}
	}
	k.random = rand.New(rand.NewPCG(k.seed, 0))
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("E2E_SEED=%d", k.seed)
		}
	})
	return k
}

// kill repeatedly lets a new worker of s run for a while and kills it. Job id must not be done by then.
func (k *killer) kill(tb testing.TB, s *site, id string, times int) {
	tb.Helper()
	for n := range times {
		worker := s.launchWorker(tb)
		switch n % 3 {
		case 0: // while it starts
		case 1: // while it works
			worker.WaitFor(tb, "attempt started")
		default: // a job whose worker is killed five times before any progress is given up, correctly
			worker.WaitFor(tb, "worker started")
			before := s.show(tb, id).WindowsDone
			eventually(tb, "another window is done", func() bool { return s.show(tb, id).WindowsDone > before })
		}
		if !worker.KillAfter(time.Duration(k.random.Int64N(int64(900 * time.Millisecond)))) {
			tb.Fatalf("the worker ended before kill %d", n)
		}
	}
}

func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	from, kills := "2024-01-15", 8 // more than twenty windows, one of which starts every 0.4 s
	if proctest.Soak() {
		from, kills = "2021-10-01", 20
	}
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 20))
			days := dates(t, from, "2025-11-10")
			worker := s.startWorker(t)
			id := s.submit(t, days).ID
			worker.Kill()
			newKiller(t).kill(t, s, id, kills)

			s.startWorker(t)
			if j := s.show(t, id); j.State == "done" {
				t.Fatalf("the fetch was too short: %+v", j)
			}
			if j := s.wait(t, id); j.Attempts != 1 {
				t.Errorf("it took %d attempts; kills should cost none", j.Attempts)
			}
			s.checkEvents(t, days)
			s.checkNothingIsLeft(t)
		})
	}
}

func TestKilledInOtherModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"--append", "--replace", "--create"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, embedded, newMixpanel(t, 20))
			days := dates(t, "2023-06-01", "2025-11-10")
			worker := s.startWorker(t)
			if mode != "--create" {
				s.fetch(t, dates(t, "2023-06-05", "2023-06-20"))
			}
			id := s.submit(t, days, mode).ID
			worker.Kill()
			newKiller(t).kill(t, s, id, 6)
			s.startWorker(t)
			if j := s.wait(t, id); j.Attempts != 1 {
				t.Errorf("it took %d attempts; kills should cost none", j.Attempts)
			}
			s.checkEvents(t, days)
		})
	}
}

// checkNothingIsLeft checks that no response is left, and no second job was made.
func (s *site) checkNothingIsLeft(tb testing.TB) {
	tb.Helper()
	left := 0
	err := walkFiles(s.path(".mixduck/spool"), func(string) { left++ })
	if err != nil || left > 0 {
		tb.Errorf("%d files are left in the spool (%v)", left, err)
	}
	if all := s.list(tb); len(all) != 1 {
		tb.Errorf("there are %d jobs, want one", len(all))
	}
}
