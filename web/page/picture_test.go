package page_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/internal/redistest"
	"mixduck/web/page"
)

// breakable opens a page over a real Redis that the returned proxy can take away.
func breakable(t *testing.T) (*site, *redistest.Proxy) {
	t.Helper()
	server := proctest.NewRedis(t)
	proxy := redistest.New(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", server.Socket)
	})
	s := open(t, page.Config{}, true)
	s.use(t, proxy.Client(redistest.Patient))
	return s, proxy
}

// gets returns a page as soon as it has a status: for a second, pages share one look at the queue.
func (b *browser) gets(tb testing.TB, path string, want int) string {
	tb.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for {
		status, body := b.get(tb, path)
		if status == want {
			return body
		}
		select {
		case <-tb.Context().Done():
			tb.Fatalf("%s: %d, want %d: %s", path, status, want, body)
		case <-ticks.C:
		}
	}
}

// Without Redis, a page shows what it has shown last, says since when, and has no buttons.
func TestRedisIsGone(t *testing.T) {
	t.Parallel()
	s, proxy := breakable(t)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	user, other := s.user(t), s.user(t)
	paths := []string{"/", "/tables", "/jobs", "/jobs/" + job.ID, "/schedules", "/schedules/morning", "/settings"}
	for _, path := range paths {
		if status, body := user.get(t, path); status != http.StatusOK || strings.Contains(body, "does not answer") {
			t.Fatalf("%s: %d, %s", path, status, body)
		}
	}
	other.get(t, "/")
	other.post(t, "/logout", nil)
	proxy.Break(func(redistest.Command) redistest.Fault { return redistest.Cut })
	for _, path := range paths {
		body := user.gets(t, path, http.StatusServiceUnavailable)
		if !strings.Contains(body, "The queue does not answer since") {
			t.Errorf("%s without Redis: %s", path, body)
		}
		if strings.Contains(body, "No table") || path != "/settings" && strings.Contains(body, `method="post"`) || strings.Contains(body, `role="alert" hidden`) {
			t.Errorf("%s has buttons, or no banner:\n%s", path, body)
		}
	}
	for path, want := range map[string]string{"/jobs?state=failed": "does not answer", "/?format=json": "does not answer"} {
		if status, body := user.get(t, path); status != http.StatusServiceUnavailable || !strings.Contains(body, want) {
			t.Errorf("%s, which was not seen before: %d, %s", path, status, body)
		}
	}
	if status, body := user.post(t, "/jobs/"+job.ID+"/cancel", nil); status != http.StatusServiceUnavailable {
		t.Errorf("a change: %d, %s", status, body)
	}
	if _, body := other.get(t, "/"); strings.Contains(body, "12345") {
		t.Errorf("a session that was logged out sees\n%s", body)
	}
	proxy.Break(nil)
	for _, path := range paths {
		if body := user.gets(t, path, http.StatusOK); strings.Contains(body, "does not answer") {
			t.Errorf("%s with Redis again: %s", path, body)
		}
	}
}
