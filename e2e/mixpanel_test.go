package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// The stand-in's data in most tests.
const (
	projectID      = 12345
	otherProjectID = 67890
	username       = "sa"
	password       = "s3cret"
)

// newMixpanel serves two projects with the given number of events per day, and without limits.
func newMixpanel(tb testing.TB, eventsPerDay int) *mixpaneltest.Server {
	tb.Helper()
	return mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{
			newProject(projectID, "us", eventsPerDay), newProject(otherProjectID, "us", eventsPerDay),
		},
		Limits: mixpaneltest.Limits{Off: true},
	})
}

func newProject(id int64, region string, eventsPerDay int) mixpaneltest.Project {
	return mixpaneltest.Project{
		ID: id, Region: region, Username: username, Secret: password,
		Data: mixpaneltest.Generator{Seed: uint64(id), EventsPerDay: eventsPerDay},
	}
}

// inject makes the stand-in fail.
func (s *site) inject(tb testing.TB, f mixpaneltest.Fault) *mixpaneltest.Injection {
	tb.Helper()
	i, err := s.mixpanel.Inject(f)
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// export sends the stand-in a request like Mixduck's, and returns the lines.
func (s *site) export(tb testing.TB, days day.Range) []string {
	tb.Helper()
	query := url.Values{"project_id": {strconv.Itoa(projectID)}, "from_date": {days.From.String()}, "to_date": {days.To.String()}}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, s.mixpanel.URL+mixpaneltest.ExportPath+"?"+query.Encode(), http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.SetBasicAuth(username, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("the stand-in answered %s: %v", resp.Status, err)
	}
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
}

// askedDays returns how often each day was requested since the first n requests.
func (s *site) askedDays(n int) map[day.Day]int {
	asked := map[day.Day]int{}
	for _, r := range s.mixpanel.Requests()[n:] {
		for d := range r.Days.All() {
			asked[d]++
		}
	}
	return asked
}

func date(tb testing.TB, s string) day.Day {
	tb.Helper()
	d, err := day.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func dates(tb testing.TB, from, to string) day.Range {
	tb.Helper()
	return day.Range{From: date(tb, from), To: date(tb, to)}
}
