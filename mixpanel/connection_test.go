package mixpanel_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
)

// wantSetup checks for an error that only a person can fix, with words in its message, and in its hint.
func wantSetup(t *testing.T, err error, message, hint string) {
	t.Helper()
	e := wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonSetup)
	if !strings.Contains(e.Message, message) || !strings.Contains(fault.HintOf(err), hint) || fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("error = %v (%s, try: %s), want %q, and a hint with %q", err, fault.CodeOf(err), fault.HintOf(err), message, hint)
	}
}

func TestRedirectsToOthersAreRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "127.0.0.1"} { // another host, and another port of the same host
		for name, call := range calls() {
			t.Run(host+" "+name, func(t *testing.T) {
				t.Parallel()
				other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other origin was asked") }))
				t.Cleanup(other.Close)
				target := strings.Replace(other.URL, "127.0.0.1", host, 1)
				c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, target+"/login?token=hunter2", http.StatusFound)
				})
				err := call(t.Context(), c)
				wantSetup(t, err, "to "+target+",", "mixpanel.base_url")
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error shows the target's query: %v", err)
				}
			})
		}
	}
}

func TestRedirectsAtHomeKeepCredentials(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			t.Error("no credentials at", r.URL.Path)
		}
		if r.URL.Path != "/new" {
			http.Redirect(w, r, "/new", http.StatusTemporaryRedirect)
		}
	})
	b, err := c.Export(t.Context(), october())
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
}

func TestRedirectsFromHTTPToHTTPS(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
	})
	_, err := c.Export(t.Context(), october())
	wantSetup(t, err, "redirected from http://127.0.0.1", "to an https:// URL")
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	_, err := c.Export(t.Context(), october())
	wantError(t, err, mixpanel.Retry, mixpanel.ReasonNetwork)
}

func TestRedirectsToNowhere(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusNotModified, http.StatusNoContent} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := c.Export(t.Context(), october())
		if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonServer); !strings.Contains(e.Hint(), "mixpanel.base_url") {
			t.Errorf("%v (try: %s), want a hint about the base URL", err, e.Hint())
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("credentials were sent") }))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	known := x509.NewCertPool()
	known.AddCert(srv.Certificate())

	unknown := newClient(t, mixpanel.Config{BaseURL: srv.URL})
	_, err := unknown.Export(t.Context(), october())
	wantSetup(t, err, "unknown authority", "SSL_CERT_FILE")

	other := newClient(t, mixpanel.Config{BaseURL: strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)})
	other.Transport().TLSClientConfig = &tls.Config{RootCAs: known, MinVersion: tls.VersionTLS12}
	_, err = other.Export(t.Context(), october())
	wantSetup(t, err, "localhost", "for another host")

	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	noTLS := newClient(t, mixpanel.Config{BaseURL: strings.Replace(plain.URL, "http:", "https:", 1)})
	_, err = noTLS.Export(t.Context(), october())
	wantSetup(t, err, "HTTP response to HTTPS client", "does not use TLS")
}

func TestProxiesThatDoNotConnect(t *testing.T) {
	t.Parallel()
	answering := func(status int) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	ask := func(proxy string) error {
		c := newClient(t, mixpanel.Config{})
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		c.Transport().Proxy = http.ProxyURL(u)
		_, err = c.Export(t.Context(), october())
		return err
	}
	wantSetup(t, ask(answering(http.StatusProxyAuthRequired)), "the proxy answered 407", "HTTPS_PROXY=http://user:password@")
	for proxy, hint := range map[string]string{answering(http.StatusForbidden): "NO_PROXY", "http://127.0.0.1:1": "cannot be reached"} {
		err := ask(proxy)
		if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonNetwork); e.Smaller || !strings.Contains(e.Hint(), hint) {
			t.Errorf("%v (try: %s), smaller requests: %t; want a hint with %q", err, e.Hint(), e.Smaller, hint)
		}
	}
}

func TestProxySettings(t *testing.T) { //nolint:paralleltest // sets the environment
	set := func(variable, value string) error {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
			t.Setenv(name, "")
		}
		t.Setenv(variable, value)
		_, err := mixpanel.New(mixpanel.Config{Username: testUser, Secret: secret.New(testSecret)})
		return err
	}
	for _, good := range []string{
		"", "proxy", "proxy:3128", "http://proxy:3128", "http://proxy:3128/", "https://u:p%40ss@proxy.example.com", "socks5://127.0.0.1:1080", "http://[::1]:3128",
	} {
		if err := set("HTTPS_PROXY", good); err != nil {
			t.Errorf("HTTPS_PROXY=%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"http://u:hunter2#1@proxy:3128", "http://u:hunter2/1@proxy:3128", "http://u:hunter2?@proxy:3128", "http://u:hunter2%@proxy:3128",
		"http//proxy:3128", "http:/proxy:3128", "http://proxy:port", "http://proxy:70000", "http://proxy:0", "http://:3128", "http://", " http://proxy:3128",
		"http://proxy:3128\r", "http://proxy:3128/path", "ftp://proxy", "socks4://proxy:1080", "http://[::1:3128",
	} {
		for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY"} {
			err := set(variable, bad)
			if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), strings.ToUpper(variable)) || fault.HintOf(errors.Unwrap(err)) == "" && fault.HintOf(err) == "" {
				t.Errorf("%s=%q: %v, want a usage error with a hint", variable, bad, err)
			}
			if err != nil && strings.Contains(err.Error()+fault.HintOf(err), "hunter2") {
				t.Errorf("error shows the password: %v", err)
			}
		}
	}
}
