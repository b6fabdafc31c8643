package mixpaneltest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// BenchmarkEngage sends all pages of 100,000 profiles with 25 properties.
func BenchmarkEngage(b *testing.B) {
	const count = 100_000
	p := project(0)
	p.Profiles = mixpaneltest.People{Seed: 1, Count: count}
	s, err := mixpaneltest.New(mixpaneltest.Config{Projects: []mixpaneltest.Project{p}, QueryLimits: mixpaneltest.Limits{Off: true}})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.PackProfiles(mixpaneltest.ProfileAsk{Project: 7}); err != nil {
		b.Fatal(err)
	}
	ask := func(form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/query/engage?project_id=7", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("sa", "s3cret")
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	var first struct {
		SessionID string `json:"session_id"`
	}
	sent := 0
	for b.Loop() {
		w := ask(nil)
		r := httptest.NewRequest(http.MethodPost, "/api/query/engage?project_id=7", strings.NewReader(""))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("sa", "s3cret")
		plain := httptest.NewRecorder()
		s.ServeHTTP(plain, r)
		if err := json.Unmarshal(plain.Body.Bytes(), &first); err != nil {
			b.Fatal(err)
		}
		sent += w.Body.Len()
		for page := 1; page < count/1000; page++ {
			sent += ask(url.Values{"page": {strconv.Itoa(page)}, "session_id": {first.SessionID}}).Body.Len()
		}
	}
	b.ReportMetric(float64(count*b.N)/b.Elapsed().Seconds(), "profiles/s")
	b.ReportMetric(float64(sent)/float64(b.N)/count, "bytes/profile")
}
