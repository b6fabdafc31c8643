package mixpaneltest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

var (
	march1 = day.New(2025, 3, 1)
	march3 = day.New(2025, 3, 3)
	now    = time.Date(2025, 3, 10, 12, 0, 0, 0, time.UTC)
)

// project returns the project of most tests, with n events per day.
func project(n int) mixpaneltest.Project {
	return mixpaneltest.Project{
		ID: 7, Region: "us", Username: "sa", Secret: "s3cret",
		Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: n},
		Bookmarks: []mixpaneltest.Bookmark{
			{ID: 3, Name: "Searches", Type: "insights", Created: "2025-01-02T03:04:05", Series: []byte(`{"Search":{"2025-03-01T00:00:00+00:00":9007199254740993}}`)},
			{ID: 4, Name: "Purchase", Type: "funnels", Created: "2025-01-02T03:04:05"},
		},
		Funnels: []mixpaneltest.Funnel{{ID: 1, Name: "Purchase", Steps: []string{"Page Viewed", "Purchase"}}},
	}
}

// start runs a server for p without limits and with its clock at now.
func start(tb testing.TB, p mixpaneltest.Project) *mixpaneltest.Server {
	tb.Helper()
	return mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{p},
		Now:      func() time.Time { return now },
		Limits:   mixpaneltest.Limits{Off: true}, QueryLimits: mixpaneltest.Limits{Off: true},
	})
}

// answer is a response as a client sees it.
type answer struct {
	status int
	header http.Header
	wire   []byte // the body as sent
	text   string // the body without gzip
	err    error  // why the body ended too early, in the transport or in gzip
}

// lines returns the lines of the body, without newlines.
func (a answer) lines() []string {
	if a.text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(a.text, "\n"), "\n")
}

// ask sends a request that edit may change first. It returns an error only if there is no response.
func ask(ctx context.Context, s *mixpaneltest.Server, params url.Values, edit func(*http.Request)) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+mixpaneltest.ExportPath+"?"+params.Encode(), nil)
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth("sa", "s3cret")
	req.Header.Set("Accept-Encoding", "gzip")
	if edit != nil {
		edit(req)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.wire, a.err = io.ReadAll(resp.Body)
	a.text = string(a.wire)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		zr, err := gzip.NewReader(bytes.NewReader(a.wire))
		if err != nil {
			a.err = errors.Join(a.err, err)
			return a, nil
		}
		text, err := io.ReadAll(zr)
		a.text, a.err = string(text), errors.Join(a.err, err)
	}
	return a, nil
}

// get requests days and fails the test if there is no response.
func get(t *testing.T, s *mixpaneltest.Server, from, to day.Day, more ...string) answer {
	t.Helper()
	a, err := ask(t.Context(), s, params(from, to, more...), nil)
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	return a
}

// params returns a query for days with additional keys and values.
func params(from, to day.Day, more ...string) url.Values {
	v := url.Values{"project_id": {"7"}, "from_date": {from.String()}, "to_date": {to.String()}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// inject puts f in force.
func inject(t *testing.T, s *mixpaneltest.Server, f mixpaneltest.Fault) *mixpaneltest.Injection {
	t.Helper()
	i, err := s.Inject(f)
	if err != nil {
		t.Fatalf("Inject(%+v): %v", f, err)
	}
	return i
}
