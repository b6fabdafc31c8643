package web_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"mixduck/internal/secret"
	"mixduck/web"
)

// ask sends a request with headers. A Host header replaces the name of the address.
func ask(tb testing.TB, method, address, path string, headers map[string]string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, "http://"+address+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	for name, value := range headers {
		if req.Header.Set(name, value); name == "Host" {
			req.Host = value
		}
	}
	return answer(tb, req)
}

// guards returns a server with each kind of page, and without a token.
func guards(tb testing.TB, hosts ...string) *page {
	tb.Helper()
	p := serve(tb, web.Config{Hosts: hosts, Pprof: "127.0.0.1:0", Page: form{}})
	p.health.Started()
	return p
}

// eachRoute calls try for each page, and for a missing one.
func eachRoute(tb testing.TB, p *page, try func(address, path string)) {
	tb.Helper()
	n := 0
	for address, patterns := range p.server.Routes() {
		for _, pattern := range append(patterns, "GET /none") {
			if _, path, _ := strings.Cut(pattern, " "); !strings.HasSuffix(path, "/profile") && !strings.HasSuffix(path, "/trace") { // these take seconds
				try(address, path)
				n++
			}
		}
	}
	if n < 7 {
		tb.Errorf("there are %d pages", n)
	}
}

func TestOtherNamesAreRefusedByEachPage(t *testing.T) {
	t.Parallel()
	p := guards(t)
	for _, host := range []string{
		"rebound.example.com", "rebound.example.com:8080", "10.0.0.1:80", "[2001:db8::1]:80", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "worker:8080", "LOCALHOST.evil",
	} {
		eachRoute(t, p, func(address, path string) {
			status, body := ask(t, http.MethodGet, address, path, map[string]string{"Host": host, "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"})
			if status != http.StatusForbidden || strings.Contains(body, "mixduck_") {
				t.Errorf("%s by the name %s: %d, %s", path, host, status, body)
			}
		})
	}
	if _, body := ask(t, http.MethodGet, p.address(), "/metrics", map[string]string{"Host": "worker:8080"}); !strings.Contains(body, `"worker"`) || !strings.Contains(body, "http.hosts") {
		t.Errorf("the refusal is %s", body)
	}
	for _, path := range []string{"profile", "trace"} {
		for address, patterns := range p.server.Routes() {
			if len(patterns) == 4 {
				if status, _ := ask(t, http.MethodGet, address, "/debug/pprof/"+path, map[string]string{"Host": "rebound.example.com"}); status != http.StatusForbidden {
					t.Errorf("%s: %d", path, status)
				}
			}
		}
	}
}

func TestOwnNamesAreAnswered(t *testing.T) {
	t.Parallel()
	p := guards(t, "worker", "mixduck.example.com", "2001:db8::1")
	for host, listed := range map[string]bool{
		"localhost": false, "LocalHost:9": false, "localhost.": false, "127.0.0.1": false, "127.1.2.3:9": false, "[::1]": false, "[::1]:9": false,
		"worker": true, "worker:8080": true, "Mixduck.Example.COM.:443": true, "[2001:db8::1]:8080": true,
	} {
		eachRoute(t, p, func(address, path string) {
			want := map[bool]int{true: http.StatusNotFound, false: http.StatusOK}[path == "/none"]
			if listed && address != p.address() {
				want = http.StatusForbidden // the list does not apply to profiles
			}
			if status, body := ask(t, http.MethodGet, address, path, map[string]string{"Host": host}); status != want {
				t.Errorf("%s by the name %s: %d, want %d: %s", path, host, status, want, body)
			}
		})
	}
}

// Orchestrators and Prometheus use any name they know, and a page of an attacker has no token.
func TestWithATokenAnyNameWillDo(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{Token: secret.New("s3same")})
	p.health.Started()
	for path, without := range map[string]int{"/healthz": 200, "/readyz": 401, "/metrics": 401} {
		for shown, want := range map[string]int{"Bearer s3same": 200, "": without} {
			status, _ := ask(t, http.MethodGet, p.address(), path, map[string]string{"Host": "worker:8080", "Authorization": shown})
			if status != want {
				t.Errorf("%s with %q: %d, want %d", path, shown, status, want)
			}
		}
	}
}

// TestNoNameAtAll sends requests like those of some load balancers.
func TestNoNameAtAll(t *testing.T) {
	t.Parallel()
	p := guards(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /healthz HTTP/1.0\r\n\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestOtherSitesCannotChangeAnything(t *testing.T) {
	t.Parallel()
	p := guards(t)
	for _, headers := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}} {
		eachRoute(t, p, func(address, path string) {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
				if status, _ := ask(t, method, address, path, headers); status != http.StatusForbidden {
					t.Errorf("%s %s with %v: %d", method, path, headers, status)
				}
			}
		})
	}
}
