package workspace_test

import (
	"errors"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// impatient opens databases like a worker that pauses a job if another program has its database open.
func impatient(_ *mixpaneltest.Project, c *workspace.Config) {
	c.Database.LockWait = 50 * time.Millisecond
}

// whileHeld runs fetch, keeps writers away from the database from the time of its first request on, and returns the error.
func (f *fixture) whileHeld(tb testing.TB, fault mixpaneltest.Fault, fetch func() error) error {
	tb.Helper()
	fault.Kind = mixpaneltest.SlowFirstByte
	slow := f.inject(tb, fault)[0]
	ended := make(chan error, 1)
	go func() { ended <- fetch() }()
	for slow.Hits() == 0 {
		select {
		case err := <-ended:
			tb.Fatalf("ended before its first request: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	share, err := storage.NewShare(tb.Context(), f.path, patience)
	if err != nil {
		tb.Fatal(err)
	}
	defer share.Release()
	slow.Remove()
	return <-ended
}

// What was downloaded while another program had the database open is loaded by the next attempt.
func TestEventsAreKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, impatient)
	if _, err := f.fetch(t, days(t, "2026-09-01", "2026-09-01")); err != nil {
		t.Fatal(err)
	}
	r := days(t, "2026-09-01", "2026-11-20")
	request := workspace.FetchRequest{Table: "events", Days: r, Job: "job", Kept: &workspace.Kept{}}
	before := f.asked()
	for n := range 2 { // the first attempt has one window in progress, the second one several
		err := f.whileHeld(t, mixpaneltest.Fault{}, func() error {
			_, err := f.request(t, request)
			return err
		})
		if !errors.Is(err, storage.ErrLocked) || workspace.Permanent(err) || request.Kept.Empty() {
			t.Fatalf("attempt %d: %v, nothing kept: %v; want that the database is locked, and the download kept", n, err, request.Kept.Empty())
		}
	}
	p := f.must(t, request)
	for d, n := range f.asked() {
		if n -= before[d]; n > 1 {
			t.Errorf("%s was requested %d times", d, n)
		}
	}
	if !request.Kept.Empty() || p.Rows != int64(50*r.Len()) {
		t.Errorf("progress %+v, nothing kept: %v", p, request.Kept.Empty())
	}
	f.check(t, r)
}

// A fetch that no longer needs what was kept deletes it.
func TestKeptEventsOfOtherDays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, impatient)
	if _, err := f.fetch(t, days(t, "2026-11-01", "2026-11-01")); err != nil {
		t.Fatal(err)
	}
	kept := &workspace.Kept{}
	for _, r := range []string{"2026-11-05", "2026-11-10"} {
		request := workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-02", r), Job: "job-" + r, Kept: kept}
		if err := f.whileHeld(t, mixpaneltest.Fault{}, func() error {
			_, err := f.request(t, request)
			return err
		}); !errors.Is(err, storage.ErrLocked) {
			t.Fatal(err)
		}
	}
	kept.Drop()
	f.wantEmptySpool(t)
}

func TestProfilesAreKept(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 250, impatient)
	f.mustRefresh(t, workspace.StreamRequest{Job: "first"})
	f.put(t, person(3), `{"$name":"changed"}`)
	request := workspace.StreamRequest{Job: "job", Kept: &workspace.Kept{}}
	err := f.whileHeld(t, mixpaneltest.Fault{Call: "engage"}, func() error {
		_, err := f.refresh(t, request)
		return err
	})
	if !errors.Is(err, storage.ErrLocked) || request.Kept.Empty() {
		t.Fatalf("error = %v, nothing kept: %v; want that the database is locked, and the profiles kept", err, request.Kept.Empty())
	}
	before := len(f.fake.Requests())
	p := f.mustRefresh(t, request)
	if asked := len(f.fake.Requests()) - before; asked > 0 || p.Updated != 1 || !request.Kept.Empty() {
		t.Errorf("%d requests, progress %+v; want none, and one profile updated", asked, p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
	f.wantEmptySpool(t)
}
