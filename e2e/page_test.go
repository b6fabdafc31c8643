package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

var listens = regexp.MustCompile(`msg="http server started" address=(\S+)`)

// startPage starts a worker with a page at a free port, and also returns its address.
func (s *site) startPage(tb testing.TB) (*proctest.Process, string) {
	tb.Helper()
	s.set("MIXDUCK_HTTP_LISTEN=127.0.0.1:0")
	p := s.startWorker(tb)
	address := addressOf(tb, p)
	return p, address
}

// addressOf returns the address of the worker's page.
func addressOf(tb testing.TB, p *proctest.Process) string {
	tb.Helper()
	said := p.Said()
	m := listens.FindStringSubmatch(said)
	if m == nil {
		tb.Fatalf("the worker does not say where it listens:\n%s", said)
	}
	return m[1]
}

func TestWorkerWaitsForItsQueueAtTheStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 10))
	s.redis.Kill()
	s.set("MIXDUCK_HTTP_LISTEN=127.0.0.1:0")
	worker := s.launchWorker(t)
	worker.WaitFor(t, "worker waits for the queue")
	s.set("MIXDUCK_HTTP_LISTEN=" + addressOf(t, worker))
	command(t, s.env, "worker", "healthcheck").mustFail(t, 1, "is starting", "redis: ")
	s.redis.Start(t)
	worker.WaitFor(t, "worker started")
	eventually(t, "the worker is ready", func() bool { return command(t, s.env, "worker", "healthcheck").code == 0 })
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
}

func TestHealthcheckFollowsTheWorker(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 10))
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3same\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.set("MIXDUCK_HTTP_TOKEN_FILE=" + file)
	worker, address := s.startPage(t)
	s.set("MIXDUCK_HTTP_LISTEN=" + address)
	check := func(args ...string) result {
		return command(t, s.env, "worker", append([]string{"healthcheck"}, args...)...)
	}
	eventually(t, "the worker is ready", func() bool { return check().code == 0 })
	if r := check(); r.stdout+r.stderr != "" {
		t.Errorf("a ready worker: %q", r.stdout+r.stderr)
	}
	command(t, append(s.env, "MIXDUCK_HTTP_TOKEN_FILE=", "MIXDUCK_HTTP_TOKEN=x"), "worker", "healthcheck").mustFail(t, 1, "does not accept this token")

	s.redis.Kill()
	check().mustFail(t, 1, "is unready", "redis: ")
	if r := check("--alive"); r.code != 0 {
		t.Errorf("without Redis it does not live: %+v", r)
	}
	s.redis.Start(t)
	eventually(t, "the worker is ready again", func() bool { return check().code == 0 })

	if err := os.RemoveAll(filepath.Join(s.dir, ".mixduck")); err != nil {
		t.Fatal(err)
	}
	check().mustFail(t, 1, "volume main: ", s.dir)

	worker.Kill()
	check().mustFail(t, 1, "no response from the worker")
	check("--alive").mustFail(t, 1, "no response from the worker")
	check("--http-listen", "off").mustFail(t, 3, "http.listen is off")
}

// A running load keeps the worker from ending; until then the page says that it is draining.
func TestPageIsClosedLast(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 10))
	s.set("MIXDUCK_WORKER_LOCK_WAIT=1h")
	worker, address := s.startPage(t)
	days := dates(t, "2025-11-01", "2025-11-02")
	s.fetch(t, days)
	release := s.hold(t, defaultDatabase)
	j := s.submit(t, days)
	s.waitForState(t, j.ID, "running")
	worker.Signal(t, syscall.SIGTERM)
	eventually(t, "it says that it drains", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			t.Fatalf("while it drains: %v", err)
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusServiceUnavailable
	})
	if worker.HasEnded() {
		t.Error("the worker has ended, so that this shows nothing")
	}
	release()
	if code := worker.ExitCode(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if said := worker.Said(); !strings.Contains(said, "worker stopped") {
		t.Error("it has not stopped in order")
	}
}

func TestPageSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 10))
	_, address := s.startPage(t)
	second := func(env ...string) result {
		return command(t, append(s.env, env...), "worker", "run", "--redis-url", s.redis.URL(), "--data-dir", t.TempDir(), "--volumes", "other="+t.TempDir())
	}
	second("MIXDUCK_HTTP_LISTEN="+address).mustFail(t, 1, "http.listen: address "+address+" is in use", "--http-listen (MIXDUCK_HTTP_LISTEN)", "off")
	second("MIXDUCK_HTTP_LISTEN=0.0.0.0:0").mustFail(t, 3, "http.token is not set", "MIXDUCK_HTTP_TOKEN_FILE")
	second("MIXDUCK_HTTP_LISTEN=off", "MIXDUCK_HTTP_PPROF=0.0.0.0:0").mustFail(t, 3, "http.pprof", "127.0.0.1")
}

// If no address is set, each worker gets one, and healthcheck finds that of its directory.
func TestPageWithoutSettings(t *testing.T) {
	t.Parallel()
	sites := []*site{newSite(t, embedded, newMixpanel(t, 10)), newSite(t, embedded, newMixpanel(t, 10))}
	check := func(s *site) result { return command(t, s.env, "worker", "healthcheck", "--data-dir", s.dir) }
	for _, s := range sites {
		s.set("MIXDUCK_HTTP_LISTEN=")
		check(s).mustFail(t, 1, "no worker of this data directory")
		s.startWorker(t)
	}
	for _, s := range sites {
		eventually(t, "the worker is ready", func() bool { return check(s).code == 0 })
		r := command(t, s.env, "enqueue", "status", "--data-dir", s.dir)
		m := regexp.MustCompile(`(?m)^worker \S+ on \S+: health and metrics at (http://127\.0\.0\.1:\d+)$`).FindStringSubmatch(r.stdout)
		if m == nil {
			t.Fatalf("status does not say where the page is: %s%s", r.stdout, r.stderr)
		}
		if page := get(t, m[1]+"/readyz"); !strings.Contains(page, `"ready"`) {
			t.Errorf("%s: %s", m[1], page)
		}
	}
}

// get returns a page of the worker.
func get(tb testing.TB, url string) string {
	tb.Helper()
	resp, err := http.Get(url)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	return readAll(tb, resp.Body)
}

func readAll(tb testing.TB, r io.Reader) string {
	tb.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// metric returns the sum of the series of a metric whose labels contain a text, and whether there is one.
func metric(tb testing.TB, page, name, label string) (sum float64, ok bool) {
	tb.Helper()
	for line := range strings.Lines(page) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		called, labels, _ := strings.Cut(series, "{")
		if called != name || !strings.Contains(labels, label) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			tb.Fatal(err)
		}
		sum, ok = sum+n, true
	}
	return sum, ok
}

func TestMetricsTellWhatHappened(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 100))
	s.set("MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=50")
	_, address := s.startPage(t)
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status500, Times: 1})
	began := time.Now()
	days := dates(t, "2025-11-01", "2025-11-08")
	s.fetch(t, days)
	s.enqueue(t, "query", "SELECT 1")
	s.enqueue(t, append(fetchArgs(days), "--wait", "--project", "999")...) // fails: unknown project
	page := get(t, "http://"+address+"/metrics")
	rows := float64(len(s.truth(t, projectID, days).Rows))
	for _, tt := range []struct {
		name, label string
		want        float64 // at least
	}{
		{"mixduck_attempts_total", `kind="fetch",outcome="done"`, 1},
		{"mixduck_attempts_total", `kind="fetch",outcome="failed"`, 1},
		{"mixduck_attempts_total", `kind="query",outcome="done"`, 1},
		{"mixduck_query_seconds_count", "", 1},
		{"mixduck_mixpanel_requests_total", `outcome="200"`, 1},
		{"mixduck_mixpanel_requests_total", `outcome="500"`, 1},
		{"mixduck_loaded_rows_total", `project="12345"`, rows},
		{"mixduck_loaded_bytes_total", `project="12345"`, 1000},
		{"mixduck_load_seconds_count", "", 1},
		{"mixduck_queue_up", "", 1},
		{"mixduck_workers", "", 1},
		{"mixduck_databases", `volume="main"`, 1},
		{"mixduck_database_bytes", `volume="main"`, 4096},
		{"mixduck_volume_free_bytes", `volume="main"`, 1},
		{"mixduck_budget_limit_requests", `project="12345"`, 50},
		{"mixduck_draining", "", 0},
		{"mixduck_last_success_timestamp_seconds", `project="12345",table="events"`, float64(began.Unix())},
		{"mixduck_last_complete_day_timestamp_seconds", `project="12345",table="events"`, float64(days.To.Start(time.UTC).Unix())},
		{"mixduck_coverage_days", `project="12345",state="complete",table="events"`, float64(days.Len())},
		{"mixduck_table_rows", `project="12345",table="events"`, rows},
	} {
		got, ok := metric(t, page, tt.name, tt.label)
		if !ok || got < tt.want {
			t.Errorf("%s{%s} = %v (%v), want at least %v", tt.name, tt.label, got, ok, tt.want)
		}
	}
	if got, _ := metric(t, page, "mixduck_loaded_rows_total", `project="12345"`); got != rows {
		t.Errorf("%v rows are said to be loaded, want %v", got, rows)
	}
}
