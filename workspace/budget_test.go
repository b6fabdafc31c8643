package workspace_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// allowance is a budget of a few requests.
type allowance struct {
	until time.Time

	mu    sync.Mutex
	left  int
	lent  int     // leases not yet released
	heard []heard // from Mixpanel
}

// heard is what Mixpanel said: this many more requests until then.
type heard struct {
	left  int
	until time.Time
}

type spentError struct{ at time.Time }

func (spentError) Error() string        { return "spent" }
func (e spentError) RetryAt() time.Time { return e.at }

func (a *allowance) Acquire(context.Context, int64) (func(), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == 0 {
		return nil, spentError{a.until}
	}
	a.left--
	a.lent++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.lent--
	}, nil
}

func (a *allowance) Heard(_ context.Context, _ int64, left int, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, heard{left, until})
}

func TestBudgetIsSpentThenWaitedFor(t *testing.T) {
	t.Parallel()
	a := &allowance{left: 2, until: now.Add(40 * time.Minute)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, func(_ *mixpaneltest.Project, c *workspace.Config) {
		c.Budget, c.Downloads, c.WindowDays = a, 1, 1
	})
	r := days(t, "2026-11-01", "2026-11-04")
	p, err := f.fetch(t, r)
	pause, ok := errors.AsType[*workspace.PauseError](err)
	if !ok || !pause.Until.Equal(a.until) {
		t.Fatalf("error = %v, want a pause until %s", err, a.until)
	}
	if sent := len(f.fake.Requests()); sent != 2 || p.Requests != 2 || p.WindowsDone != 2 || a.lent != 0 {
		t.Fatalf("%d requests were sent, %d counted, %d windows done, %d leases kept; want 2, 2, 2, 0", sent, p.Requests, p.WindowsDone, a.lent)
	}
	a.left = 100
	if _, err := f.fetch(t, r); err != nil {
		t.Fatal(err)
	}
	f.check(t, r)
}

func TestBudgetLearnsThatMixpanelRefused(t *testing.T) {
	t.Parallel()
	a := &allowance{left: 100}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, func(_ *mixpaneltest.Project, c *workspace.Config) { c.Budget = a })
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 10 * time.Minute})
	_, err := f.fetch(t, days(t, "2026-11-01", "2026-11-01"))
	want := []heard{{0, now.Add(10 * time.Minute)}}
	if _, ok := errors.AsType[*workspace.PauseError](err); !ok || !slices.Equal(a.heard, want) {
		t.Fatalf("error = %v, the budget heard %v; want a pause, and %v", err, a.heard, want)
	}
}

// frank reports with each response what is left, like Mixpanel.
type frank struct{ *mixpanel.Client }

func (f frank) Export(ctx context.Context, r mixpanel.ExportRequest) (*mixpanel.Body, error) {
	body, err := f.Client.Export(ctx, r)
	if err == nil {
		body.Limits = []mixpanel.Limit{
			{Name: "project", Remaining: 7, Reset: 20 * time.Minute}, {Name: "project-concurrency", Remaining: 99, Reset: time.Second},
		}
	}
	return body, err
}

func TestBudgetLearnsWhatIsLeft(t *testing.T) {
	t.Parallel()
	a := &allowance{left: 100}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, nil)
	client, err := mixpanel.New(mixpanel.Config{BaseURL: f.fake.URL, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	ws, err := workspace.New(workspace.Config{
		Project: workspace.Project{ID: projectID}, Database: storage.Config{Path: f.path}, SpoolDir: f.spool, OpenPerLoad: true, Budget: a,
		Now: func() time.Time { return now },
	}, frank{client}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-01", "2026-11-01")}
	if _, err := ws.FetchEvents(t.Context(), r, func(workspace.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if want := []heard{{7, now.Add(20 * time.Minute)}}; !slices.Equal(a.heard, want) {
		t.Errorf("the budget heard %v, want %v", a.heard, want)
	}
}
