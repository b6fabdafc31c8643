package e2e

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// Right and wrong secrets. They consist of characters that need no escape in a URL.
const (
	hushProject      = "hush0project0Qm7vXr2LkT9"
	hushWrongProject = "hush0wrong0project0Zc4Yd"
	hushRedis        = "hush0redis0Wn8bHs5PfJ3"
	hushWrongRedis   = "hush0wrong0redis0Ge6Ua1"
	hushToken        = "hush0token0Vx2mCq9RtB7"
	hushWrongToken   = "hush0wrong0token0Ly5Ko"
)

// evidence is everything that must not contain a secret, by where it was found.
type evidence map[string]string

// forms returns the forms in which a secret can occur: as it is, and in the Base64 of a text that contains it.
func forms(secret string) []string {
	all := []string{secret, base64.StdEncoding.EncodeToString([]byte(username + ":" + secret))}
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + secret))
		all = append(all, text[(before*8+5)/6:len(text)-1]) // without characters that depend on its neighbors
	}
	return all
}

func (e evidence) check(tb testing.TB) {
	tb.Helper()
	for _, secret := range []string{hushProject, hushWrongProject, hushRedis, hushWrongRedis, hushToken, hushWrongToken} {
		for _, form := range forms(secret) {
			for where, text := range e {
				if at := strings.Index(text, form); at >= 0 {
					tb.Errorf("%s shows %s: …%q…", where, secret, text[max(0, at-100):min(len(text), at+len(form)+20)])
				}
			}
		}
	}
}

// files adds the names and contents of all files below a directory.
func (e evidence) files(tb testing.TB, dir string) {
	tb.Helper()
	var names strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		names.WriteString(path + "\n")
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		e["file "+path] = string(text)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	e["names of files in "+dir] = names.String()
}

// with returns an environment with additional variables.
func with(env []string, more ...string) []string { return append(slices.Clip(env), more...) }

// run adds the output of a command, which must end with the given code.
func (e evidence) run(tb testing.TB, code int, env []string, name string, args ...string) {
	tb.Helper()
	r := command(tb, env, name, args...)
	if r.code != code {
		tb.Errorf("%s %q: exit code %d, want %d\n%s", name, args, r.code, code, r.stderr)
	}
	e[name+" "+strings.Join(args, " ")] += r.stdout + r.stderr
}

// page adds the content of a page of the worker.
func (e evidence) page(tb testing.TB, url, token string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if err := resp.Header.Write(&text); err != nil {
		tb.Fatal(err)
	}
	e["page "+url] += text.String() + readAll(tb, resp.Body)
}

// newSecretSite makes a site with a Redis that requires a password. Its programs have all secrets.
func newSecretSite(tb testing.TB) *site {
	tb.Helper()
	project := newProject(projectID, "us", 50)
	project.Secret = hushProject
	s := newSite(tb, embedded, mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{project}, Limits: mixpaneltest.Limits{Off: true},
	}))
	s.redis = proctest.NewRedisWithPassword(tb, hushRedis)
	s.set("MP_SECRET="+hushProject, "MIXDUCK_HTTP_TOKEN="+hushToken, "MIXDUCK_LOG_FORMAT=json",
		"MIXDUCK_DATA_DIR="+s.dir, "MIXDUCK_REDIS_URL="+s.redis.URL(), "MIXDUCK_HTTP_PPROF=127.0.0.1:0")
	return s
}

// work lets a worker succeed, fail, lose its Redis and find it again, and collects the output.
func (e evidence) work(tb testing.TB, s *site) {
	tb.Helper()
	w := proctest.Start(tb, with(s.env, "MIXDUCK_HTTP_LISTEN=127.0.0.1:0"), "worker", "run")
	w.WaitFor(tb, "worker started")
	said := w.Said()
	var page, pprof string
	for line := range strings.Lines(said) {
		_, address, _ := strings.Cut(line, `"address":"`)
		address, _, _ = strings.Cut(address, `"`)
		switch {
		case strings.Contains(line, "http server started"):
			page = address
		case strings.Contains(line, "pprof server started"):
			pprof = address
		}
	}
	env := with(s.env, "MIXDUCK_HTTP_LISTEN="+page)
	fetch := append(fetchArgs(dates(tb, "2025-11-01", "2025-11-05")), "--wait")
	e.run(tb, 0, env, "worker", "validate")
	e.run(tb, 0, env, "worker", "validate", "--format", "json")
	e.run(tb, 0, env, "enqueue", fetch...)
	e.run(tb, 0, env, "enqueue", "query", "FROM events LIMIT 3")
	e.run(tb, 2, env, "enqueue", append(fetch, "--project", "999")...)
	e.run(tb, 0, env, "worker", "healthcheck")
	e.run(tb, 1, with(env, "MIXDUCK_HTTP_TOKEN="+hushWrongToken), "worker", "healthcheck")
	look := func() {
		for _, token := range []string{hushToken, hushWrongToken} {
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/nowhere"} {
				e.page(tb, "http://"+page+path, token)
			}
		}
		for _, path := range []string{"", "goroutine?debug=2", "heap?debug=1", "cmdline", "threadcreate?debug=1"} {
			e.page(tb, "http://"+pprof+"/debug/pprof/"+path, hushToken)
		}
	}
	look()
	s.redis.Kill()
	w.WaitFor(tb, "the queue cannot be reached")
	look()
	e.run(tb, 1, env, "enqueue", "jobs", "list")
	e.run(tb, 1, env, "worker", "healthcheck")
	s.redis.Start(tb)
	eventually(tb, "the worker is well again", func() bool { return command(tb, env, "worker", "healthcheck").code == 0 })
	e.run(tb, 0, env, "enqueue", "jobs", "list", "--format", "json")
	w.Signal(tb, syscall.SIGTERM)
	if code := w.ExitCode(tb); code != 0 {
		tb.Errorf("exit code %d", code)
	}
	e["log of the worker"] = w.Said()
}

// mistakes collects the output of programs about wrong secrets.
func (e evidence) mistakes(tb testing.TB, s *site) {
	tb.Helper()
	off := with(s.env, "MIXDUCK_HTTP_LISTEN=off", "MIXDUCK_HTTP_PPROF=off")
	wrong := proctest.Start(tb, with(off, "MP_SECRET="+hushWrongProject), "worker", "run")
	wrong.WaitFor(tb, "worker started")
	e.run(tb, 2, off, "enqueue", append(fetchArgs(dates(tb, "2025-11-06", "2025-11-07")), "--wait")...)
	e.run(tb, 2, with(off, "MP_SECRET="+hushWrongProject), "mp", append(fetchArgs(dates(tb, "2025-11-06", "2025-11-07")), "--ephemeral")...)
	wrong.Kill()
	e["log of a worker with a wrong secret"] = wrong.Said()

	for _, url := range []string{"unix://:" + hushWrongRedis + "@" + s.redis.Socket, "redis://u:" + hushWrongRedis + "@127.0.0.1:1"} {
		env := with(off, "MIXDUCK_REDIS_URL="+url)
		lost := proctest.Start(tb, env, "worker", "run")
		lost.WaitFor(tb, "worker waits for the queue")
		lost.Kill()
		e["log of a worker with "+url[:6]] = lost.Said()
		e.run(tb, 1, env, "enqueue", "jobs", "list")
	}
	for _, bad := range []string{
		"MIXDUCK_REDIS_URL=http://u:" + hushWrongRedis + "@h", "MIXDUCK_REDIS_URL=redis://u:" + hushWrongRedis + "@h:port",
		"MIXDUCK_REDIS_URL=redis://u:" + hushWrongRedis + "@h/%zz", "MIXDUCK_REDIS_URL=redis://u:" + hushWrongRedis + "@h/database",
		"MIXDUCK_MIXPANEL_BASE_URL=https://u:" + hushWrongProject + "@h",
	} {
		for _, args := range [][]string{{"run"}, {"validate"}} {
			r := command(tb, with(off, bad), "worker", args...)
			if r.code == 0 {
				tb.Errorf("worker %s takes %s", args[0], bad[:40])
			}
			e["worker "+args[0]+" with a bad setting"] += r.stdout + r.stderr
		}
	}
	e.run(tb, 3, with(s.env, "MIXDUCK_HTTP_LISTEN=0.0.0.0:0", "MIXDUCK_HTTP_TOKEN= "), "worker", "run")
}

// No secret ever gets to where it does not belong.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	s := newSecretSite(t)
	found := evidence{}
	found.work(t, s)
	found.mistakes(t, s)
	found.files(t, s.dir)
	found.files(t, s.redis.Dir) // its journal contains every key and value ever written
	found.check(t)

	// It must have searched something.
	var journal strings.Builder
	for where, text := range found {
		if strings.HasSuffix(where, ".aof") {
			journal.WriteString(text)
		}
	}
	for where, wants := range map[string][]string{
		"log of the worker":                   {"attempt ended", "window loaded", "the queue cannot be reached"},
		"log of a worker with a wrong secret": {"Invalid service account credentials"},
		"worker validate":                     {"http.token", "project"},
		"worker healthcheck":                  {"redis: "},
	} {
		for _, want := range wants {
			if !strings.Contains(found[where], want) {
				t.Errorf("%s has no %q", where, want)
			}
		}
	}
	for _, want := range []string{"mixduck:{jobs}:rec:", "Invalid service account credentials", "asynq:"} {
		if !strings.Contains(journal.String(), want) {
			t.Errorf("the journal of Redis has no %q", want)
		}
	}
}

// The search finds what it looks for.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		hushToken, "redis://:" + hushToken + "@h",
		base64.StdEncoding.EncodeToString([]byte(username + ":" + hushToken)), base64.StdEncoding.EncodeToString([]byte("other:" + hushToken)),
		base64.StdEncoding.EncodeToString([]byte("x" + hushToken)), base64.URLEncoding.EncodeToString([]byte("xy" + hushToken + "z")),
	} {
		hit := false
		for _, form := range forms(hushToken) {
			hit = hit || strings.Contains(text, form)
		}
		if !hit {
			t.Errorf("not found in %s", text)
		}
	}
}
