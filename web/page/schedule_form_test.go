package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/web/page"
)

// publish makes a project known.
func (s *site) publish(tb testing.TB) {
	tb.Helper()
	project := jobs.ProjectInfo{Name: "shop", ID: 12345, Zone: "Europe/Berlin", Database: "main/12345.db", Tables: []jobs.TableInfo{{Name: "signups", Events: []string{"Sign Up"}}}}
	if err := s.queue.PublishProjects(tb.Context(), "w1", []jobs.ProjectInfo{project}); err != nil {
		tb.Fatal(err)
	}
}

func TestAddASchedule(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.publish(t)
	user := s.user(t)
	if status, body := user.get(t, "/schedules/-/add"); status != http.StatusOK || !strings.Contains(body, `<option value="shop"`) {
		t.Fatalf("the form: %d, %s", status, body)
	}
	form := url.Values{
		"name": {"signups"}, "project": {"shop"}, "stream": {"events"}, "table": {"signups"}, "cron": {"30 2 * * *"}, "start": {"2026-01"}, "lookback": {"7"},
		"jitter": {"10m"}, "overlap": {"queue"}, "priority": {"low"}, "mode": {""}, "verify": {""}, "catch_up": {"2d"},
	}
	if status, body := user.post(t, "/schedules", form); status != http.StatusOK || !strings.Contains(body, "added by a person") || !strings.Contains(body, "Remove this schedule") {
		t.Errorf("add: %d, %s", status, body)
	}
	got, err := s.schedules.Get(t.Context(), "signups", s.now(t))
	want := jobs.Schedule{
		Name: "signups", Project: "12345", ProjectZone: "Europe/Berlin", Stream: "events", Database: "main/12345.db", Table: "signups", Events: []string{"Sign Up"},
		Cron: "30 2 * * *", Start: day.New(2026, time.January, 1), Lookback: 7, Jitter: 10 * time.Minute, CatchUp: 48 * time.Hour, Overlap: jobs.OverlapQueue, Priority: jobs.PriorityLow,
	}.WithDefaults()
	if err != nil || strings.Join(got.Events, ",") != "Sign Up" || got.Name != want.Name || got.Start != want.Start || got.Lookback != want.Lookback ||
		got.Jitter != want.Jitter || got.CatchUp != want.CatchUp || got.Overlap != want.Overlap || got.Priority != want.Priority || got.Zone != want.Zone || got.Mode != want.Mode || got.Database != want.Database {
		t.Errorf("added %+v, %v; want %+v", got.Schedule, err, want)
	}
	reports := url.Values{"name": {"reports"}, "project": {"shop"}, "stream": {"reports"}, "cron": {"@daily"}, "report_ids": {"456, 123"}}
	if status, body := user.post(t, "/schedules", reports); status != http.StatusOK {
		t.Errorf("add: %d, %s", status, body)
	}
	if s, err := s.schedules.Get(t.Context(), "reports", s.now(t)); err != nil || stream.JoinReportIDs(s.ReportIDs) != "456, 123" {
		t.Errorf("added %+v, %v", s.Schedule, err)
	}
	if status, body := user.post(t, "/schedules/signups/remove", nil); status != http.StatusOK || strings.Contains(body, `href="/schedules/signups"`) {
		t.Errorf("remove: %d, %s", status, body)
	}
}

// What is wrong is said beside the field, and what was typed stays.
func TestBadSchedulesStayInTheForm(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.publish(t)
	s.addSchedule(t, "morning")
	user := s.user(t)
	for _, tt := range []struct{ field, value, want string }{
		{"name", "two words", "is no name of a schedule"},
		{"name", "morning", "morning"},
		{"cron", "99 * * * *", "99"},
		{"timezone", "Mars/Phobos", "is not known"},
		{"project", "nothing", "no worker has a project"},
		{"stream", "clicks", "clicks"},
		{"table", "a/b", "a/b"},
		{"database", "../x", "is not a valid volume name"},
		{"start", "2999-01-01", "in the future"},
		{"start", "<b>", "is not a date"},
		{"lookback", "some", "is no number of days"},
		{"jitter", "often", "is no duration"},
		{"report_ids", "1, x", "is not the id of a report"},
		{"report_ids", "7 7", "is named twice"},
		{"report_ids", "-1", "is not the id of a report"},
	} {
		form := url.Values{"name": {"new"}, "project": {"shop"}, "stream": {"events"}, "cron": {"15 6 * * *"}, "where": {"kept"}}
		form.Set(tt.field, tt.value)
		status, body := user.post(t, "/schedules", form)
		_, after, beside := strings.Cut(body, `id="bad-`+tt.field+`"`)
		if status != http.StatusBadRequest || !beside || !strings.Contains(after[:min(len(after), 200)], tt.want) || !strings.Contains(body, `value="kept"`) || strings.Contains(body, "<b>") {
			t.Errorf("%s=%s: %d, want %q beside the field:\n%s", tt.field, tt.value, status, tt.want, body)
		}
	}
	if all, err := s.schedules.List(t.Context(), s.now(t)); err != nil || len(all) != 1 {
		t.Errorf("%d schedules, %v", len(all), err)
	}
}

// A schedule of a configuration file cannot be removed on the page, which says where it is.
func TestSchedulesOfFilesStay(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	file := jobs.Schedule{Name: "filed", Project: "12345", ProjectZone: "UTC", Cron: "@daily", Database: "main/12345.db"}
	if _, err := s.schedules.Publish(t.Context(), "w1", []jobs.Schedule{file.WithDefaults()}, false); err != nil {
		t.Fatal(err)
	}
	user := s.user(t)
	if _, body := user.get(t, "/schedules/filed"); strings.Contains(body, "Remove this schedule") || !strings.Contains(body, "configuration file of worker") {
		t.Errorf("the page of the schedule:\n%s", body)
	}
	if status, body := user.post(t, "/schedules/filed/remove", nil); status != http.StatusBadRequest || !strings.Contains(body, "configuration file of worker w1") {
		t.Errorf("remove: %d, %s", status, body)
	}
	form := url.Values{"name": {"filed"}, "project": {"12345"}, "stream": {"events"}, "cron": {"15 6 * * *"}}
	s.publish(t)
	if status, _ := user.post(t, "/schedules", form); status != http.StatusBadRequest {
		t.Errorf("add one of the same name: %d", status)
	}
}

// The days when clocks change are named.
func TestClockChangesAreNamed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.October, 23, 12, 0, 0, 0, time.UTC)
	s := open(t, page.Config{Now: func() time.Time { return now }}, false)
	s.publish(t)
	user := s.user(t)
	user.post(t, "/schedules", url.Values{"name": {"nightly"}, "project": {"shop"}, "cron": {"30 2 * * *"}, "stream": {"events"}})
	_, body := user.get(t, "/schedules/nightly")
	_, after, ok := strings.Cut(body, "Sun 25 Oct 02:30 CEST")
	if !ok || !strings.Contains(after[:min(len(after), 250)], "clocks go back by 1h on this day") || strings.Count(body, "on this day") != 1 {
		t.Errorf("the next runs:\n%s", body)
	}
}
