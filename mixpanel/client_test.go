package mixpanel_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
)

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*mixpanel.Config)
		code fault.Code // "" means no error
		text string     // in the error
	}{
		{"credentials are enough", func(*mixpanel.Config) {}, "", ""},
		{"every region is known", func(c *mixpanel.Config) { c.Region = mixpanel.RegionIN }, "", ""},
		{"a base URL may have a path", func(c *mixpanel.Config) { c.BaseURL = "https://proxy.example/mixpanel/" }, "", ""},
		{"a region must exist", func(c *mixpanel.Config) { c.Region = "mars" }, fault.CodeUsage, `"mars"`},
		{"a base URL needs a scheme", func(c *mixpanel.Config) { c.BaseURL = "data.mixpanel.com" }, fault.CodeUsage, "http://"},
		{"a base URL is not a file", func(c *mixpanel.Config) { c.BaseURL = "file:///etc/passwd" }, fault.CodeUsage, "http://"},
		{"a base URL needs a host", func(c *mixpanel.Config) { c.BaseURL = "http://:80" }, fault.CodeUsage, "host"},
		{"a base URL must parse", func(c *mixpanel.Config) { c.BaseURL = "http://u:hunter2@[::1" }, fault.CodeUsage, "invalid"},
		{"a base URL has no credentials", func(c *mixpanel.Config) { c.BaseURL = "http://u:hunter2@h" }, fault.CodeUsage, "credentials"},
		{"a base URL has no query", func(c *mixpanel.Config) { c.BaseURL = "http://h/?a=hunter2" }, fault.CodeUsage, "query"},
		{"a base URL has no fragment", func(c *mixpanel.Config) { c.BaseURL = "http://h/#a" }, fault.CodeUsage, "fragment"},
		{"a username is required", func(c *mixpanel.Config) { c.Username = "" }, fault.CodeAuth, "username"},
		{"a secret is required", func(c *mixpanel.Config) { c.Secret = secret.String{} }, fault.CodeAuth, "secret"},
		{"an account is required", func(c *mixpanel.Config) { c.Username, c.Secret = "", secret.New("") }, fault.CodeAuth, "no service account"},
		{"a colon would end the username", func(c *mixpanel.Config) { c.Username = "ann:hunter2" }, fault.CodeAuth, "colon"},
		{"a line end is no part of a secret", func(c *mixpanel.Config) { c.Secret = secret.New("hunter2\n") }, fault.CodeAuth, "spaces around"},
		{"a secret has no invisible characters", func(c *mixpanel.Config) { c.Secret = secret.New("hunter2\u200b") }, fault.CodeAuth, "zero-width space (U+200B)"},
		{"timeouts are not negative", func(c *mixpanel.Config) { c.IdleTimeout = -1 }, fault.CodeUsage, "idle"},
		{"nor is the first", func(c *mixpanel.Config) { c.FirstByteTimeout = -1 }, fault.CodeUsage, "first byte"},
		{"nor is that of queries", func(c *mixpanel.Config) { c.QueryTimeout = -1 }, fault.CodeUsage, "query"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := mixpanel.Config{Username: testUser, Secret: secret.New(testSecret)}
			tt.edit(&cfg)
			_, err := mixpanel.New(cfg)
			if tt.code == "" {
				if err != nil {
					t.Errorf("New = %v, want no error", err)
				}
				return
			}
			if err == nil || fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) || fault.HintOf(err) == "" {
				t.Errorf("New = %v (%s, try %q), want %s about %s, with a hint", err, fault.CodeOf(err), fault.HintOf(err), tt.code, tt.text)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("New = %v, which shows a password", err)
			}
		})
	}
}

func TestNewReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := mixpanel.New(mixpanel.Config{Region: "mars", IdleTimeout: -1})
	for _, part := range []string{"mars", "service account", "idle timeout"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New = %v, want something about %s", err, part)
		}
	}
}

func TestRegionsHaveTheirHosts(t *testing.T) {
	t.Parallel()
	for region, want := range map[mixpanel.Region][]string{ // for exports and for queries
		"":                {"data.mixpanel.com:443", "mixpanel.com:443"},
		mixpanel.RegionUS: {"data.mixpanel.com:443", "mixpanel.com:443"},
		mixpanel.RegionEU: {"data-eu.mixpanel.com:443", "eu.mixpanel.com:443"},
		mixpanel.RegionIN: {"data-in.mixpanel.com:443", "in.mixpanel.com:443"},
	} {
		c := newClient(t, mixpanel.Config{Region: region})
		var dialled []string
		c.Transport().Proxy = nil
		c.Transport().DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
			dialled = append(dialled, addr)
			return nil, &net.OpError{Op: "dial", Err: errors.New("no network in this test")}
		}
		_, exportErr := c.Export(t.Context(), october())
		_, queryErr := c.EventNames(t.Context(), 12345, 0)
		for _, err := range []error{exportErr, queryErr} {
			if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonNetwork); e.Smaller {
				t.Error("a host that cannot be reached calls for smaller requests")
			}
		}
		if !slices.Equal(dialled, want) {
			t.Errorf("region %q dials %s, want %s", region, dialled, want)
		}
	}
}

func TestErrorsShowNeitherCredentialsNorTheURL(t *testing.T) {
	t.Parallel()
	unreachable := newClient(t, mixpanel.Config{BaseURL: "http://127.0.0.1:1"})
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, pass, _ := r.BasicAuth()
		http.Error(w, "Unable to authenticate "+r.Header.Get("Authorization")+" with "+pass, http.StatusBadRequest)
	})
	for name, c := range map[string]*mixpanel.Client{"network": unreachable, "echo": echo} {
		r := october()
		r.Where = `properties["email"] == "ann@example.org"`
		_, err := c.Export(t.Context(), r)
		if err == nil {
			t.Fatal("no error")
		}
		basic := base64.StdEncoding.EncodeToString([]byte(testUser + ":" + testSecret))
		for _, hidden := range []string{testSecret, basic, url.QueryEscape(r.Where), "ann@example.org", "from_date"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: error %q shows %s", name, err, hidden)
			}
		}
	}
}
