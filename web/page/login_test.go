package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mixduck/internal/secret"
	"mixduck/web/page"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Token: secret.New("t0ken")}, false)
	code := s.code(t)
	for _, tt := range []struct {
		name, secret string
		want         int
	}{
		{"nothing", "", http.StatusUnauthorized},
		{"a wrong code", "AAAAAAAAAAAAAAAAAAAAAAAAAA", http.StatusUnauthorized},
		{"the code", code, http.StatusOK},
		{"the code again", code, http.StatusUnauthorized},
		{"the token", " t0ken\n", http.StatusOK},
		{"a wrong token", "t0ken2", http.StatusUnauthorized},
	} {
		b := s.visitor(t)
		if got, body := b.login(t, tt.secret); got != tt.want {
			t.Errorf("login with %s: %d, want %d: %s", tt.name, got, tt.want, body)
		}
		want := http.StatusSeeOther
		if tt.want == http.StatusOK {
			want = http.StatusOK
		}
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if got, _ := b.get(t, "/"); got != want {
			t.Errorf("the page after a login with %s: %d, want %d", tt.name, got, want)
		}
	}
	if status, _ := s.visitor(t).do(t, http.MethodGet, "/?format=json", http.NoBody, map[string]string{"Authorization": "Bearer t0ken"}); status != http.StatusOK {
		t.Errorf("with the token in a header: %d", status)
	}
}

func TestWithoutATokenNothingIsOne(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	if status, _ := s.visitor(t).login(t, ""); status != http.StatusUnauthorized {
		t.Errorf("login with nothing: %d", status)
	}
	if status, _ := s.visitor(t).do(t, http.MethodGet, "/?format=json", http.NoBody, map[string]string{"Authorization": "Bearer "}); status != http.StatusUnauthorized {
		t.Errorf("with an empty token in a header: %d", status)
	}
}

func TestFailedLoginsAreLimited(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Token: secret.New("t0ken")}, false)
	b := s.visitor(t)
	refused := 0
	for range 15 {
		if status, _ := b.login(t, "wrong"); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("none of 15 logins was refused")
	}
	if status, _ := s.visitor(t).login(t, s.code(t)); status != http.StatusOK {
		t.Errorf("login with a code meanwhile: %d", status)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	one, two := s.user(t), s.user(t)
	home, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	stolen := one.Jar.Cookies(home)
	if len(stolen) != 1 || !strings.HasSuffix(stolen[0].Name, home.Port()) {
		t.Fatalf("cookies %v, want one with the port", stolen)
	}
	if _, body := one.post(t, "/logout", nil); !strings.Contains(body, "Log in") {
		t.Errorf("after the logout: %s", body)
	}
	thief := s.visitor(t)
	thief.Jar.SetCookies(home, stolen)
	if _, body := thief.get(t, "/"); !strings.Contains(body, "Log in") {
		t.Errorf("a cookie works after the logout: %s", body)
	}
	if _, body := two.get(t, "/"); !strings.Contains(body, "Overview") {
		t.Errorf("the other session: %s", body)
	}
	if _, body := two.post(t, "/logout", url.Values{"all": {"1"}}); !strings.Contains(body, "Log in") {
		t.Errorf("after the logout of all: %s", body)
	}
	if n, err := s.sessions.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d sessions, %v", n, err)
	}
}

// A login redirects only to pages of the worker.
func TestRedirectsAfterLogin(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	for next, want := range map[string]string{
		"": "/", "/jobs?state=failed": "/jobs?state=failed", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "/\t/evil.example": "/",
		"jobs": "/", "javascript:alert(1)": "/", "http:evil.example": "/", "///evil.example": "/",
	} {
		b := s.visitor(t)
		var got string
		b.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
			got = req.URL.RequestURI()
			if req.URL.Host != s.server.Listener.Addr().String() {
				got = req.URL.String()
			}
			return http.ErrUseLastResponse
		}
		b.post(t, "/login", url.Values{"secret": {s.code(t)}, "next": {next}})
		if got != want {
			t.Errorf("after a login with next=%q: %q, want %q", next, got, want)
		}
	}
}

func TestCookieAndHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	for _, proto := range []string{"", "https"} {
		form := strings.NewReader(url.Values{"secret": {s.code(t)}}.Encode())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/login", form)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-Proto", proto)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		cookie := resp.Header.Get("Set-Cookie")
		for _, flag := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
			if !strings.Contains(cookie, flag) {
				t.Errorf("the cookie %q is not %s", cookie, flag)
			}
		}
		if secure := strings.Contains(cookie, "Secure"); secure != (proto == "https") {
			t.Errorf("over %q the cookie is %q", proto, cookie)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %q", policy)
		}
	}
}
