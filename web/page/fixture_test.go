package page_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/internal/secret"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/web/page"
	"mixduck/web/session"
)

// site is a page over a real queue, at a real address.
type site struct {
	page      *page.Page
	queue     *queue.Queue
	rdb       redis.UniversalClient
	schedules *schedule.Store
	sessions  *session.Store
	server    *httptest.Server
	patterns  []string // of its routes
}

// open serves a page with cfg until the test ends. With alone it has no queue yet.
func open(tb testing.TB, cfg page.Config, alone bool) *site {
	tb.Helper()
	s := serve(tb, cfg, discard)
	if !alone {
		s.connect(tb)
	}
	return s
}

// discard is a log that nobody reads.
var discard = slog.New(slog.DiscardHandler)

// openLogged does the same as open, with a queue, and writes its log to w.
func openLogged(tb testing.TB, cfg page.Config, w io.Writer) *site {
	tb.Helper()
	s := serve(tb, cfg, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.connect(tb)
	return s
}

// lockedBuffer can be written to by several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve serves a page that has no queue yet.
func serve(tb testing.TB, cfg page.Config, log *slog.Logger) *site {
	tb.Helper()
	s := &site{}
	if cfg.Mode == "" {
		cfg.Mode = page.Full
	}
	s.page = page.New(cfg, log)
	mux := http.NewServeMux()
	s.page.Routes(func(pattern string, h http.Handler) {
		mux.Handle(pattern, h)
		s.patterns = append(s.patterns, pattern)
	})
	s.server = httptest.NewServer(mux)
	tb.Cleanup(s.server.Close)
	tb.Cleanup(s.page.Close)
	return s
}

// connect gives the page a queue.
func (s *site) connect(tb testing.TB) {
	tb.Helper()
	server, err := embedredis.Open(context.Background(), embedredis.Config{Dir: proctest.ShortDir(tb)}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	client := server.Client()
	tb.Cleanup(func() {
		_ = client.Close()
		server.Close()
	})
	s.use(tb, client)
}

// use gives the page the queue in a Redis.
func (s *site) use(tb testing.TB, rdb redis.UniversalClient) {
	tb.Helper()
	s.rdb = rdb
	var err error
	if s.queue, err = queue.New(s.rdb, queue.Config{}); err != nil {
		tb.Fatal(err)
	}
	s.schedules, s.sessions = schedule.NewStore(s.queue), session.New(s.rdb)
	s.page.Connect(page.Backend{
		Queue: s.queue, Schedules: s.schedules, Sessions: s.sessions,
		Settings: []page.Setting{{Key: "mixpanel.secret", Value: secret.New("hunter2").String(), Origin: "default"}},
	})
}

// browser is a client that keeps cookies and follows redirects.
type browser struct {
	*http.Client
	site *site
}

// visitor returns a browser that is not logged in.
func (s *site) visitor(tb testing.TB) *browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar}, s}
}

// user returns a browser that is logged in.
func (s *site) user(tb testing.TB) *browser {
	tb.Helper()
	b := s.visitor(tb)
	if status, body := b.login(tb, s.code(tb)); status != http.StatusOK {
		tb.Fatalf("login: %d, %s", status, body)
	}
	return b
}

// code returns a code that logs in.
func (s *site) code(tb testing.TB) string {
	tb.Helper()
	code, err := s.sessions.NewCode(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// login sends the login form.
func (b *browser) login(tb testing.TB, secret string) (int, string) {
	tb.Helper()
	return b.post(tb, "/login", url.Values{"secret": {secret}})
}

// get returns the status and body of a page.
func (b *browser) get(tb testing.TB, path string) (int, string) {
	tb.Helper()
	return b.do(tb, http.MethodGet, path, http.NoBody, nil)
}

// post sends a form.
func (b *browser) post(tb testing.TB, path string, form url.Values) (int, string) {
	tb.Helper()
	return b.do(tb, http.MethodPost, path, strings.NewReader(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
}

func (b *browser) do(tb testing.TB, method, path string, body io.Reader, headers map[string]string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, b.site.server.URL+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	for key, value := range headers {
		req.Header.Set(key, value)
	}
	resp, err := b.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// submit adds a fetch of a table to the queue.
func (s *site) submit(tb testing.TB, table string) jobs.Record {
	tb.Helper()
	from := day.New(2026, time.November, 1)
	job, err := s.queue.Submit(tb.Context(), jobs.Request{Kind: jobs.KindFetch, Fetch: jobs.Fetch{
		Project: "12345", Database: "main/12345.db", Table: table, Days: day.Range{From: from, To: from + 3}, Mode: jobs.ModeSync,
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return job
}

// addSchedule adds a schedule that runs each morning.
func (s *site) addSchedule(tb testing.TB, name string) {
	tb.Helper()
	err := s.schedules.Add(tb.Context(), jobs.Schedule{
		Name: name, Project: "12345", ProjectZone: "UTC", Zone: "UTC", Cron: "15 6 * * *", Database: "main/12345.db", Table: "events", Lookback: 5,
		CatchUp: 24 * time.Hour, Mode: jobs.ModeSync, Overlap: jobs.OverlapSkip, MaxAttempts: 5, Priority: jobs.PriorityDefault,
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// pause pauses a schedule.
func (s *site) pause(tb testing.TB, name string) {
	tb.Helper()
	if changed, err := s.schedules.Pause(tb.Context(), name, true); !changed || err != nil {
		tb.Fatal(changed, err)
	}
}

// now returns the time of the queue.
func (s *site) now(tb testing.TB) time.Time {
	tb.Helper()
	now, err := s.queue.Time(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return now
}

// sorted returns the lines of text in order.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
