package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const (
	pageToken  = "s3same"
	pageTables = 20
	pageDays   = 5 * 365
)

// BenchmarkPage measures the page of a worker over a queue with very many jobs, and tables with five years.
func BenchmarkPage(b *testing.B) {
	m := startMixpanel(b)
	for _, q := range []struct {
		team  team
		lanes int // with 1,000 jobs each
		slack int // the bars are this many times as high
	}{{team{workers: 1, slots: 1, page: true}, 100, 1}, {team{embedded: true, workers: 1, slots: 1, page: true}, 20, 3}} {
		b.Run(q.team.String(), func(b *testing.B) {
			s := newSite(b, q.team, m)
			databases := names("elsewhere", "lane", q.lanes)
			s.fill(b, databases, 1000, onlyStoring)
			s.reportYears(b, databases[0])
			for b.Loop() {
				s.measureViews(b, databases[0], q.lanes*1000, q.slack)
				s.measureStreams(b)
			}
		})
	}
}

// BenchmarkDrain compares how long a worker takes to stop without and with open pages.
func BenchmarkDrain(b *testing.B) {
	m := startMixpanel(b)
	for b.Loop() {
		var took []float64
		for _, streams := range []int{0, 20} {
			s := newSite(b, team{embedded: true, workers: 1, slots: 1, page: true}, m)
			for range streams {
				s.watch(b)
			}
			began := time.Now()
			s.workers[0].Terminate(b)
			took = append(took, millis(time.Since(began)))
		}
		report("worker stops without pages, and with 20 that follow it (bar: + 100 ms)", "%.0f ms, %.0f ms", took[0], took[1])
	}
}

// reportYears makes the queue know tables with days of five years.
func (s *site) reportYears(b *testing.B, database string) {
	b.Helper()
	first := day.New(2021, 12, 1)
	var tables []jobs.TableState
	days := map[string]jobs.Days{}
	for i := range pageTables {
		name := fmt.Sprintf("table%d", i)
		stored := make(jobs.Days, pageDays)
		for n := range stored {
			stored[n] = jobs.StoredDay{Day: first + day.Day(n), State: jobs.DayComplete, Rows: int64(1000 + n*37%900)}
		}
		last := stored[pageDays-1].Day
		tables = append(tables, jobs.TableState{Project: storing.String(), Database: database, Table: name, Rows: 2_000_000, First: &first, LastComplete: &last, Complete: pageDays})
		days[name] = stored
	}
	if err := s.queue.RebuildTables(b.Context(), database, tables, days, time.Now()); err != nil {
		b.Fatal(err)
	}
}

// measureViews reports how long the server takes for each view.
func (s *site) measureViews(b *testing.B, database string, n, slack int) {
	b.Helper()
	all, err := s.queue.List(b.Context(), queue.Filter{Database: database, Limit: 1000})
	if err != nil || len(all) == 0 {
		b.Fatal(len(all), err)
	}
	first, middle := all[0].ID, all[len(all)/2].ID
	table := url.Values{"database": {database}, "table": {"table0"}}
	for _, v := range []struct {
		what  string
		paths []string
		bar   int           // ms
		every time.Duration // between requests, so that each reads the queue anew
		times int
	}{
		{"overview, 20 tables of 5 years", []string{"/"}, 30, 1100 * time.Millisecond, 12},
		{"calendar of 5 years", []string{"/table?" + table.Encode()}, 50, 0, 200},
		{fmt.Sprintf("jobs, %d of them, filters and pages", n), []string{
			"/jobs", "/jobs?state=waiting", "/jobs?state=failed", "/jobs?kind=edit", "/jobs?project=" + storing.String(), "/jobs?state=waiting&database=" + url.QueryEscape(database),
			"/jobs?before=" + middle, "/jobs?before=" + middle + "&state=waiting&project=" + storing.String(),
		}, 50, 0, 50},
		{"job", []string{"/jobs/" + first, "/jobs/" + middle}, 20, 0, 100},
	} {
		var took []float64
		for _, path := range v.paths {
			s.get(b, path) // warm
			for range v.times {
				<-time.After(v.every)
				began := time.Now()
				s.get(b, path)
				took = append(took, millis(time.Since(began)))
			}
		}
		report(fmt.Sprintf("%s: p50, p99 (bar: p99 ≤ %d ms)", v.what, v.bar*slack), "%.1f ms, %.1f ms", median(took), percentile(took, 99))
	}
}

// measureStreams reports what open pages cost a worker that is idle otherwise.
func (s *site) measureStreams(b *testing.B) {
	b.Helper()
	const settle, measured = 3 * time.Second, 15 * time.Second
	share := func() float64 {
		<-time.After(settle)
		return 100 * float64(s.use(b, func() { <-time.After(measured) }).cpu) / float64(measured)
	}
	none := share()
	s.watch(b)
	one := share()
	for range 99 {
		s.watch(b)
	}
	report("an idle worker without open pages, of a core", "%.1f%%", none)
	report("what an open page adds (bar: ≤ 0.5%), and 100 pages (bar: ≤ 3%)", "%.1f%%, %.1f%%", max(0, one-none), max(0, share()-none))
}

var listens = regexp.MustCompile(`msg="http server started" address=(\S+)`)

// request returns a request to the page of the first worker.
func (s *site) request(ctx context.Context, b *testing.B, path, accept string) *http.Request {
	b.Helper()
	m := listens.FindStringSubmatch(s.workers[0].Said())
	if m == nil {
		b.Fatal("the worker has no page")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m[1]+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+pageToken)
	return req
}

// get reads a page to its end.
func (s *site) get(b *testing.B, path string) {
	b.Helper()
	resp, err := http.DefaultClient.Do(s.request(b.Context(), b, path, "text/html"))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
}

// watch opens the overview as a browser does, and reads its changes until the benchmark ends.
func (s *site) watch(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	resp, err := http.DefaultClient.Do(s.request(ctx, b, "/", "text/event-stream"))
	if err != nil {
		stop()
		b.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	if _, err := lines.ReadString('\n'); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("the stream begins with %s, %v", resp.Status, err)
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, lines) // ends with the worker
	}()
	b.Cleanup(func() {
		stop()
		_ = resp.Body.Close()
		<-ended
	})
}
