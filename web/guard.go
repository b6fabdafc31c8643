package web

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"mixduck/internal/listen"
	"mixduck/internal/secret"
)

// routes is a mux that knows its patterns.
type routes struct {
	mux      http.ServeMux
	patterns []string
}

func (r *routes) handle(pattern string, h http.Handler) {
	r.mux.Handle(pattern, h)
	r.patterns = append(r.patterns, pattern)
}

// guarded protects all pages of a listener against attacks through browsers: headers that let a browser only display a
// page, a check of the requested host, and rejection of requests caused by other sites. A nil hosts allows any host.
func guarded(hosts []string, pages http.Handler) http.Handler {
	pages = http.NewCrossOriginProtection().Handler(pages)
	if hosts != nil {
		pages = forHosts(hosts, pages)
	}
	return secured(pages)
}

// hosts returns the allowed host names for the pages of an address, in addition to those of the loopback interface. It
// returns nil for any name: an attacker's page can have a name that resolves to this machine (DNS rebinding), but it
// has no token. So the names matter only without a token.
func (c Config) hosts() []string {
	if !c.Token.IsZero() {
		return nil
	}
	return append(hostOf(c.Listen), c.Hosts...)
}

// hostOf returns the host of an address as a list with one element.
func hostOf(address string) []string {
	host, _ := splitHost(address)
	return []string{host}
}

// splitHost returns the host of an address or of a Host header, with or without a port, in lower case and without
// brackets.
func splitHost(address string) (host string, ok bool) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host, host != ""
}

// forHosts rejects requests for other hosts. A request without a host is not from a browser: it is HTTP/1.0 from a
// load balancer.
func forHosts(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, named := splitHost(r.Host)
		if named && !listen.LoopbackHost(host) && !slices.Contains(hosts, host) {
			message := fmt.Sprintf("unknown host name %q: add it to http.hosts (MIXDUCK_HTTP_HOSTS), or set http.token", host)
			http.Error(w, message, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// authorized accepts requests with the token, and all if there is no token.
func authorized(token secret.String, next http.Handler) http.Handler {
	if token.IsZero() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !token.Equal(shown) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="mixduck"`)
			http.Error(w, "missing or wrong token: send Authorization: Bearer with the value of http.token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secured sets headers that let browsers only display a page.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
