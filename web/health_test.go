package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"mixduck/web"
)

func (p *page) ready(tb testing.TB) (int, web.Readiness) {
	tb.Helper()
	status, body := p.get(tb, "/readyz", "")
	var r web.Readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		tb.Fatalf("%v in %s", err, body)
	}
	return status, r
}

func TestReadinessFollowsTheWorker(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	var broken atomic.Bool
	p.health.Watch("redis", func(context.Context) error { return nil })
	p.health.Watch("volume main", func(context.Context) error {
		if broken.Load() {
			return errors.New("no room")
		}
		return nil
	})
	steps := []struct {
		name   string
		do     func()
		status int
		want   string
	}{
		{"at first it starts", func() {}, 503, "starting"},
		{"then it is ready", p.health.Started, 200, "ready"},
		{"not with a check that fails", func() { broken.Store(true) }, 503, "unready"},
		{"again when all is well", func() { broken.Store(false) }, 200, "ready"},
		{"not while it drains", p.health.Drain, 503, "draining"},
		{"and it does not start again", p.health.Started, 503, "draining"},
	}
	for _, s := range steps {
		s.do()
		status, r := p.ready(t)
		if status != s.status || string(r.Status) != s.want {
			t.Errorf("%s: %d %s, want %d %s", s.name, status, r.Status, s.status, s.want)
		}
		want := []web.Result{{Name: "redis", OK: true}, {Name: "volume main", OK: true}}
		if broken.Load() {
			want[1] = web.Result{Name: "volume main", Error: "no room"}
		}
		if diff := cmp.Diff(want, r.Checks); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
	if _, body := p.get(t, "/metrics", ""); !strings.Contains(body, "mixduck_draining 1\n") {
		t.Error("metrics do not say that it drains")
	}
}

func TestWarningsChangeNoStatus(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	p.health.Started()
	p.health.Advise(func() []string { return []string{"it may lose jobs"} })
	status, r := p.ready(t)
	if diff := cmp.Diff([]string{"it may lose jobs"}, r.Warnings); diff != "" || status != 200 || r.Status != "ready" {
		t.Errorf("%d %s, warnings (-want +got):\n%s", status, r.Status, diff)
	}
}

// A hanging disk must not collect a goroutine per request.
func TestCheckThatHangsIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := web.NewHealth()
		thaw := make(chan struct{})
		var asked atomic.Int32
		h.Watch("disk", func(context.Context) error {
			asked.Add(1)
			<-thaw
			return nil
		})
		for _, want := range []string{"no response within 2s", "the previous check is still running"} {
			if r := h.Readiness(t.Context()); r.Checks[0].Error != want {
				t.Errorf("error = %q, want %q", r.Checks[0].Error, want)
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("the disk was asked %d times", n)
		}
		close(thaw)
		synctest.Wait()
		if r := h.Readiness(t.Context()); !r.Checks[0].OK {
			t.Errorf("after it thawed: %+v", r)
		}
	})
}

func TestVolumesAreChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		name string
		run  func(context.Context) error
		ok   bool
	}{
		{"a directory can be written", web.CheckWritable(dir), true},
		{"one that is gone cannot", web.CheckWritable(missing), false},
		{"there is room", web.CheckRoom(dir), true},
		{"there is none where nothing is", web.CheckRoom(missing), false},
		{"a file system without blocks has no room", web.CheckRoom("/proc"), false},
	} {
		if err := tt.run(t.Context()); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
