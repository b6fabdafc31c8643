package mixpanel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"mixduck/internal/fault"
)

func newTransport(proxies *httpproxy.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	choose := proxies.ProxyFunc()
	return &http.Transport{
		Proxy:                  func(r *http.Request) (*url.URL, error) { return choose(r.URL) },
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		// Responses may take minutes: pings distinguish them from broken connections.
		HTTP2:              &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		DisableCompression: true, // keep gzip: the reader checks its trailer
	}
}

// checkProxies returns an error for an unusable proxy. The standard library would connect without it, or use something
// else. The errors do not quote the setting, which can contain a password.
func checkProxies(proxies *httpproxy.Config) error {
	return errors.Join(checkProxy("HTTPS_PROXY", proxies.HTTPSProxy), checkProxy("HTTP_PROXY", proxies.HTTPProxy))
}

func checkProxy(variable, setting string) error {
	if setting == "" {
		return nil
	}
	hint := variable + "=http://proxy.example.com:3128; in a user or password, write %40 for @, %23 for #, %2F for / and %3A for :"
	if !strings.Contains(setting, "://") {
		setting = "http://" + setting
	}
	u, err := url.Parse(setting)
	switch {
	case err != nil || u.Hostname() == "" || !validPort(u.Port()) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return fault.Usage(hint, "mixpanel: %s is not the URL of a proxy", variable)
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return fault.Usage(hint, "mixpanel: %s is not a proxy of a supported kind (http, https, socks5)", variable)
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// proxyError is the response of a proxy that refuses to connect.
type proxyError struct {
	status int
	text   string
}

func (e *proxyError) Error() string { return "the proxy answered " + e.text }

func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{resp.StatusCode, resp.Status}
}

// redirectError is a redirect that is not followed.
type redirectError struct{ from, to *url.URL }

func (e *redirectError) Error() string {
	return "redirected from " + origin(e.from) + " to " + origin(e.to) + ", which gets no credentials"
}

// hint says how to avoid the redirect.
func (e *redirectError) hint() string {
	if e.from.Scheme == "http" && e.to.Scheme == "https" && e.from.Hostname() == e.to.Hostname() {
		return "set mixpanel.base_url (MIXDUCK_MIXPANEL_BASE_URL) to an https:// URL"
	}
	return "check the region and mixpanel.base_url (MIXDUCK_MIXPANEL_BASE_URL); if a gateway or proxy redirects, let it pass Mixpanel's hosts"
}

// origin returns what must be equal for two URLs to receive the same credentials: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := net.JoinHostPort(strings.ToLower(u.Hostname()), port)
	if (u.Scheme == "http" && port == "80") || (u.Scheme == "https" && port == "443") {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// checkRedirect follows redirects only within an origin. Other origins do not get the credentials, and a response
// without them is not Mixpanel's.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if first := via[0].URL; origin(req.URL) != origin(first) {
		return &redirectError{first, req.URL}
	}
	return nil
}
