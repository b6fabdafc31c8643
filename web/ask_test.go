package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/web"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	ready := serve(t, token("s3same"))
	ready.health.Started()
	unready := serve(t, web.Config{})
	unready.health.Watch("redis", func(context.Context) error { return errors.New("connection\nrefused") })
	unready.health.Watch("volume main", func(context.Context) error { return nil })
	unready.health.Started()
	gone := serve(t, web.Config{})
	gone.server.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	otherAt := strings.TrimPrefix(other.URL, "http://")
	everywhere := serve(t, web.Config{Listen: "0.0.0.0:0", Token: secret.New("s3same")})
	everywhere.health.Started()
	_, port, _ := strings.Cut(everywhere.address(), "]:")

	for _, tt := range []struct {
		name  string
		cfg   web.Config
		alive bool
		code  fault.Code // "" for success
		want  []string   // in the error
	}{
		{name: "a ready worker", cfg: web.Config{Listen: ready.address(), Token: secret.New("s3same")}},
		{name: "one that listens everywhere", cfg: web.Config{Listen: ":" + port, Token: secret.New("s3same")}},
		{name: "life needs no token", cfg: web.Config{Listen: ready.address()}, alive: true},
		{name: "one that is not ready lives", cfg: web.Config{Listen: unready.address()}, alive: true},
		{"a wrong token", web.Config{Listen: ready.address(), Token: secret.New("x")}, false, fault.CodeFailed, []string{"does not accept this token"}},
		{"no token", web.Config{Listen: ready.address()}, false, fault.CodeFailed, []string{"does not accept this token"}},
		{"not ready", web.Config{Listen: unready.address()}, false, fault.CodeFailed, []string{"is unready", "redis: connection; refused"}},
		{"nobody there", web.Config{Listen: gone.address()}, false, fault.CodeFailed, []string{"no response from the worker", "refused"}},
		{"nobody there, not even alive", web.Config{Listen: gone.address()}, true, fault.CodeFailed, []string{"no response from the worker"}},
		{"another program", web.Config{Listen: otherAt}, false, fault.CodeFailed, []string{"is not a worker (status 404)"}},
		{"another program lives", web.Config{Listen: otherAt}, true, fault.CodeFailed, []string{"is not a worker (status 404)"}},
		{"off", web.Config{}, false, fault.CodeUsage, []string{"http.listen is off"}},
		{"any port", web.Config{Listen: "127.0.0.1:0"}, false, fault.CodeUsage, []string{"port 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := web.Ask(t.Context(), tt.cfg, tt.alive)
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || fault.CodeOf(err) != tt.code || fault.HintOf(err) == "" {
				t.Fatalf("error = %v, want one with code %s and a hint", err, tt.code)
			}
			for _, text := range tt.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error = %v, want %q in it", err, text)
				}
			}
			if strings.Contains(err.Error(), "volume main") {
				t.Errorf("error = %v names a check that is well", err)
			}
		})
	}
}
