package web_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/web"
)

func TestPagesAskForTheToken(t *testing.T) {
	t.Parallel()
	p := serve(t, token("s3same"))
	p.health.Started()
	for _, path := range []string{"/readyz", "/metrics"} {
		for _, tt := range []struct {
			shown string
			want  int
		}{
			{"", 401},
			{"Bearer", 401},
			{"Bearer wrong", 401},
			{"Bearer s3same2", 401},
			{"Bearer s3sam", 401},
			{"Basic s3same", 401},
			{"s3same", 401},
			{"Bearer s3same", 200},
			{"bearer s3same", 200},
		} {
			status, body := p.get(t, path, tt.shown)
			if status != tt.want {
				t.Errorf("%s with %q: status %d, want %d", path, tt.shown, status, tt.want)
			}
			if strings.Contains(body, "s3same") || status == 401 && strings.Contains(body, "mixduck_") {
				t.Errorf("%s with %q shows %s", path, tt.shown, body)
			}
		}
	}
	if status, body := p.get(t, "/healthz", ""); status != 200 || body != "ok\n" {
		t.Errorf("/healthz without a token: %d, %q", status, body)
	}
}

func TestOnlyThePagesThatThereAre(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	for _, path := range []string{"/", "/debug/pprof/", "/healthz/x", "/metrics/"} {
		if status, _ := p.get(t, path, ""); status != 404 {
			t.Errorf("%s: status %d, want 404", path, status)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.address()+"/metrics", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := answer(t, req); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", status)
	}
}

func TestStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  web.Config
		want string // in the error; "" for none
	}{
		{web.Config{}, ""},
		{web.Config{Listen: "127.0.0.1:1"}, ""},
		{web.Config{Listen: "127.9.9.9:1"}, ""},
		{web.Config{Listen: "[::1]:1"}, ""},
		{web.Config{Listen: "localhost:1", Pprof: "localhost:2"}, ""},
		{web.Config{Listen: "0.0.0.0:1", Token: secret.New("x")}, ""},
		{web.Config{Listen: "0.0.0.0:1"}, "http.listen: other machines can reach 0.0.0.0:1"},
		{web.Config{Listen: ":1"}, "http.listen"},
		{web.Config{Listen: "[::]:1"}, "http.listen"},
		{web.Config{Listen: "10.0.0.1:1"}, "http.listen"},
		{web.Config{Listen: "localhost.example.com:1"}, "http.listen"},
		{web.Config{Pprof: "0.0.0.0:1", Token: secret.New("x")}, "http.pprof: other machines can reach 0.0.0.0:1"},
	} {
		err := tt.cfg.Check()
		if tt.want == "" {
			if err != nil {
				t.Errorf("Check(%+v) = %v", tt.cfg, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
			t.Errorf("Check(%+v) = %v, want a usage error with a hint and %q", tt.cfg, err, tt.want)
		}
		if _, err := web.Serve(t.Context(), tt.cfg, web.NewHealth(), nil, slog.New(slog.DiscardHandler)); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("Serve(%+v) = %v", tt.cfg, err)
		}
	}
}

func TestTakenPortNamesTheSetting(t *testing.T) {
	t.Parallel()
	taken := serve(t, web.Config{}).address()
	for key, cfg := range map[string]web.Config{
		"http.listen": {Listen: taken}, "http.pprof": {Listen: "127.0.0.1:0", Pprof: taken},
	} {
		health := web.NewHealth()
		_, err := web.Serve(t.Context(), cfg, health, web.NewMetrics("", nil, health), slog.New(slog.DiscardHandler))
		hint := fault.HintOf(err)
		if fault.CodeOf(err) != fault.CodeFailed || !strings.Contains(err.Error(), key+": address "+taken+" is in use") ||
			!strings.Contains(hint, "--"+strings.ReplaceAll(key, ".", "-")) || !strings.Contains(hint, "off") {
			t.Errorf("error = %v, hint %q, want one that names %s", err, hint, key)
		}
	}
}

func TestAddressesThatAreNoneAreAMatterOfSettings(t *testing.T) {
	t.Parallel()
	health := web.NewHealth()
	cfg := web.Config{Listen: "192.0.2.1:8080", Token: secret.New("x")} // RFC 5737: not in use
	_, err := web.Serve(t.Context(), cfg, health, web.NewMetrics("", nil, health), slog.New(slog.DiscardHandler))
	if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("error = %v", err)
	}
}

func TestProfilesAreForThisMachine(t *testing.T) {
	t.Parallel()
	free := serve(t, web.Config{})
	address := free.address()
	free.server.Close()
	serve(t, web.Config{Pprof: address})
	ask := func(path string) (int, string) { return ask(t, http.MethodGet, address, path, nil) }
	if status, body := ask("/debug/pprof/goroutine?debug=1"); status != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("status %d, %s", status, body)
	}
	for path, want := range map[string]int{"/debug/pprof/cmdline": 404, "/metrics": 404, "/debug/pprof/": 200} {
		if status, _ := ask(path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
}
