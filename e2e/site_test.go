package e2e

import (
	"path/filepath"
	"strconv"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// site is an installation: a data directory, a queue, and a Mixpanel to copy from.
type site struct {
	dir      string          // of the data
	redis    *proctest.Redis // nil for the embedded queue
	mixpanel *mixpaneltest.Server
	env      []string // of all programs
}

// newSite makes a site without a worker.
func newSite(tb testing.TB, q queue, m *mixpaneltest.Server) *site {
	tb.Helper()
	s := &site{dir: filepath.Join(tb.TempDir(), "data"), mixpanel: m, env: []string{
		"HOME=" + tb.TempDir(), "TMPDIR=" + tb.TempDir(),
		"MP_USERNAME=" + username, "MP_SECRET=" + password, "MP_PROJECT_ID=" + strconv.Itoa(projectID), "MP_REGION=us",
		"MIXDUCK_MIXPANEL_BASE_URL=" + m.URL, "MIXDUCK_MIXPANEL_IDLE_TIMEOUT=20s",
		"MIXDUCK_WORKER_RETRY_BACKOFF=50ms", "MIXDUCK_LOG_LEVEL=debug", "MIXDUCK_HTTP_LISTEN=off",
	}}
	if q == realRedis {
		s.redis = proctest.NewRedis(tb)
	}
	return s
}

// newEmbeddedSite makes a site with the embedded queue and a running worker.
func newEmbeddedSite(tb testing.TB, eventsPerDay int) *site {
	tb.Helper()
	s := newSite(tb, embedded, newMixpanel(tb, eventsPerDay))
	s.startWorker(tb)
	return s
}

// set adds to the environment of all programs started later; later values win.
func (s *site) set(env ...string) { s.env = append(s.env, env...) }

// where returns the flags for the data directory and the queue.
func (s *site) where() []string {
	args := []string{"--data-dir", s.dir}
	if s.redis != nil {
		args = append(args, "--redis-url", s.redis.URL())
	}
	return args
}

// launchWorker starts a worker, which may fail.
func (s *site) launchWorker(tb testing.TB) *proctest.Process {
	tb.Helper()
	return proctest.Start(tb, s.env, "worker", append([]string{"run"}, s.where()...)...)
}

// startWorker starts a worker and waits until it works.
func (s *site) startWorker(tb testing.TB) *proctest.Process {
	tb.Helper()
	p := s.launchWorker(tb)
	p.WaitFor(tb, "worker started")
	return p
}
