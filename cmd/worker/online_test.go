package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/cmd/internal/check"
	"mixduck/internal/cli"
	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/jobs/budget"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
)

// workplace holds a worker's settings for two projects at a fake Mixpanel.
type workplace struct {
	dir      string
	mixpanel *mixpaneltest.Server
	text     string // of the configuration file
}

func newWorkplace(tb testing.TB, more string) *workplace {
	tb.Helper()
	p := mixpaneltest.Project{ID: 12345, Region: "us", Username: "sa", Secret: "hunter2", Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}}
	q := p
	q.ID = 77
	w := &workplace{dir: tb.TempDir(), mixpanel: mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{p, q}, Limits: mixpaneltest.Limits{Off: true},
	})}
	w.text = fmt.Sprintf("data_dir: data\nmixpanel: {base_url: '%s', requests_per_hour: 5}\n"+
		"projects:\n  web: {id: 12345, username: sa, secret_file: secret}\n  app: {id: 77, username: sa, secret_file: secret}\n%s", w.mixpanel.URL, more)
	if err := os.WriteFile(filepath.Join(w.dir, "secret"), []byte("hunter2"), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "data"), 0o700); err != nil {
		tb.Fatal(err)
	}
	return w
}

// validate runs `worker validate --online`, and returns the exit code and the state of each line by name.
func (w *workplace) validate(tb testing.TB) (code int, lines map[string]string, stdout string) {
	tb.Helper()
	file := filepath.Join(w.dir, "x.yaml")
	if err := os.WriteFile(file, []byte(w.text), 0o600); err != nil {
		tb.Fatal(err)
	}
	var out, errs strings.Builder
	code = run(tb.Context(), &cli.Process{
		Args: []string{"validate", "--online", "--config", file}, Environ: []string{"HOME=" + w.dir},
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	lines = map[string]string{}
	for line := range strings.Lines(out.String()) {
		state, rest, _ := strings.Cut(line, " ")
		name, _, ok := strings.Cut(strings.TrimSpace(rest), ":")
		if !ok || lines[name] != "" {
			tb.Errorf("odd line %q", line)
		}
		lines[name] = state
	}
	if strings.Contains(out.String()+errs.String(), "hunter2") {
		tb.Errorf("the secret is shown:\n%s%s", &out, &errs)
	}
	return code, lines, out.String() + errs.String()
}

// want checks the state of each line named; all others must be ok.
func (w *workplace) want(tb testing.TB, code int, others map[string]check.State) (stdout string) {
	tb.Helper()
	got, lines, stdout := w.validate(tb)
	if got != code {
		tb.Errorf("exit code %d, want %d", got, code)
	}
	for name, state := range others {
		if lines[name] == "" {
			tb.Errorf("no line about %s, want that it is %s", name, state)
		}
	}
	for name, state := range lines {
		want := check.OK
		if other, ok := others[name]; ok {
			want = other
		}
		if state != string(want) {
			tb.Errorf("%s is %s, want %s", name, state, want)
		}
	}
	if tb.Failed() {
		tb.Log(stdout)
	}
	return stdout
}

func TestOnline(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, "")
	w.want(t, 0, nil)
	if n := len(w.mixpanel.Requests()); n != 2 {
		t.Errorf("%d requests for two projects, want 2", n)
	}
	if left, err := os.ReadDir(filepath.Join(w.dir, "data")); err != nil || len(left) > 0 {
		t.Errorf("left in the data directory: %v, %v", left, err)
	}
}

// Problems of one project are reported for that one.
func TestOnlineNamesTheProject(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, "")
	if _, err := w.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.Refused, Status: 401, Project: 77}); err != nil {
		t.Fatal(err)
	}
	out := w.want(t, 2, map[string]check.State{
		"credentials (app)": check.Failed, "region (app)": check.Skipped, "plan (app)": check.Skipped,
		"export (app)": check.Skipped, "time zone (app)": check.Skipped,
	})
	if !strings.Contains(out, "try: check MP_USERNAME and MP_SECRET") {
		t.Error("the line does not say what to do")
	}
}

func TestOnlineFiles(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, "")
	data := filepath.Join(w.dir, "data")
	e, err := storage.Open(t.Context(), storage.Config{Path: filepath.Join(data, "12345.db")})
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(w.dir, "outside.db")
	if err := errors.Join(os.WriteFile(outside, nil, 0o600), os.Symlink(outside, filepath.Join(data, "77.db"))); err != nil {
		t.Fatal(err)
	}
	out := w.want(t, 3, map[string]check.State{"database (web)": check.Warning, "database (app)": check.Failed})
	if !strings.Contains(out, "points outside the data directory") || !strings.Contains(out, "try: wait until") {
		t.Error("the lines do not say what is wrong")
	}
	if err := errors.Join(e.Close(), os.Remove(filepath.Join(data, "77.db"))); err != nil {
		t.Fatal(err)
	}
	w.want(t, 0, nil)
	w.text = strings.Replace(w.text, "id: 77,", "id: 77, database: other/77.db,", 1)
	w.want(t, 0, map[string]check.State{"database (app)": check.Skipped})
}

// Requests are booked in the budget that the workers share, and none is sent otherwise.
func TestOnlineCountsItsRequests(t *testing.T) {
	t.Parallel()
	r := proctest.NewRedis(t)
	w := newWorkplace(t, "redis: {url: '"+r.URL()+"'}\n")
	if _, err := w.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody, Project: 77}); err != nil {
		t.Fatal(err)
	}
	app := map[string]check.State{"export (app)": check.Warning, "time zone (app)": check.Skipped}
	w.want(t, 0, app)
	shared, err := budget.New(r.Client(t), budget.Config{PerPeriod: 5})
	if err != nil {
		t.Fatal(err)
	}
	for project, want := range map[string]int{"12345": 1, "77": 2} {
		if s, err := shared.State(t.Context(), project); err != nil || s.UsedLastHour != want || s.AtOnce != 0 {
			t.Errorf("%s has used %d, %d under way, %v; want %d and none", project, s.UsedLastHour, s.AtOnce, err, want)
		}
	}
	w.want(t, 0, app)
	w.want(t, 5, map[string]check.State{
		"export (app)": check.Failed, "credentials (app)": check.Skipped, "region (app)": check.Skipped,
		"plan (app)": check.Skipped, "time zone (app)": check.Skipped,
	})
	if n := len(w.mixpanel.Requests()); n != 3+5 {
		t.Errorf("%d requests, want 3 of the one project and the 5 that the budget of the other has", n)
	}
}

// They are also booked in the queue of a local worker.
func TestOnlineCountsInAnEmbeddedQueue(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, "")
	server, err := embedredis.Open(t.Context(), embedredis.Config{Dir: filepath.Join(w.dir, "data", ".mixduck", "queue")}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	w.want(t, 0, nil)
	rdb := server.Client()
	defer rdb.Close()
	shared, err := budget.New(rdb, budget.Config{PerPeriod: 5})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := shared.State(t.Context(), "12345"); err != nil || s.UsedLastHour != 1 {
		t.Errorf("state = %+v, %v; want 1 used", s, err)
	}
}

func TestOnlineRedis(t *testing.T) {
	t.Parallel()
	r := proctest.NewRedis(t, "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
	w := newWorkplace(t, "redis: {url: '"+r.URL()+"'}\n")
	if out := w.want(t, 1, map[string]check.State{"redis": check.Failed}); !strings.Contains(out, "allkeys-lru") {
		t.Error("the policy is not named")
	}
	r.Kill()
	if out := w.want(t, 1, map[string]check.State{"redis": check.Failed}); !strings.Contains(out, "no queue at") {
		t.Error("the line does not say that Redis is gone")
	}
}

// A redirect to another host is not followed, and the message names the setting.
func TestOnlineRedirect(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, "")
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	home := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, elsewhere.URL+r.URL.Path, http.StatusFound)
	}))
	defer home.Close()
	w.text = strings.ReplaceAll(w.text, w.mixpanel.URL, home.URL)
	code, lines, out := w.validate(t)
	if code == 0 || lines["export (web)"] != "failed" || !strings.Contains(out, elsewhere.URL) || !strings.Contains(out, "base_url") || asked != 0 {
		t.Errorf("exit code %d, %d requests elsewhere, want a failure that names the host and the setting\n%s", code, asked, out)
	}
}
