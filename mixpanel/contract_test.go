package mixpanel_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"mixduck/internal/day"
	"mixduck/internal/openapitest"
	"mixduck/mixpanel"
)

// call is any call of a client that sends one request.
type call func(ctx context.Context, c *mixpanel.Client) error

// calls returns every call there is, with all that it can send, by the path of its OpenAPI description.
func calls() map[string]call {
	all := queries()
	all["/export"] = func(ctx context.Context, c *mixpanel.Client) error {
		r := october()
		r.Events, r.Where = []string{"a"}, "true"
		b, err := c.Export(ctx, r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, b)
		return errors.Join(err, b.Close())
	}
	return all
}

// queries returns the calls of the Query API, with all that they can send.
func queries() map[string]call {
	return map[string]call{
		"/events/names": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.EventNames(ctx, 12345, 3)
			return err
		},
		"/events/top": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.TopEvents(ctx, 12345, mixpanel.AnalysisUnique, 3)
			return err
		},
		"/events/properties/top": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.EventProperties(ctx, 12345, "Search", 3)
			return err
		},
		"/events/properties/values": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.PropertyValues(ctx, 12345, "Search", "plan", 3)
			return err
		},
		"/segmentation": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Segmentation(ctx, search())
			return err
		},
		"/funnels/list": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.FunnelList(ctx, 12345)
			return err
		},
		"/funnels": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Funnel(ctx, checkout())
			return err
		},
	}
}

// search asks for all that a segmentation can.
func search() mixpanel.SegmentationRequest {
	return mixpanel.SegmentationRequest{
		Project: 12345, Event: "Search", Days: october().Days, On: `properties["$os"]`, Where: `properties["plan"] == "pro"`,
		Unit: mixpanel.UnitHour, Type: mixpanel.AnalysisAverage, Limit: 3,
	}
}

// checkout asks for all that a funnel can.
func checkout() mixpanel.FunnelRequest {
	return mixpanel.FunnelRequest{
		Project: 12345, Funnel: 7509, Days: october().Days, Unit: mixpanel.UnitWeek, Where: `properties["plan"] == "pro"`,
	}
}

// parameter is one as an OpenAPI description has it.
type parameter struct {
	Ref      string `yaml:"$ref"`
	Name     string
	In       string
	Required bool
	Schema   struct {
		Type string
		Enum []string
	}
}

// published returns the query parameters of GET path in one of Mixpanel's OpenAPI files.
func published(tb testing.TB, file, path string) map[string]parameter {
	tb.Helper()
	text := openapitest.Read(tb, file)
	var contract struct {
		Paths map[string]struct {
			Get struct{ Parameters []parameter }
		}
		Components struct{ Parameters map[string]parameter }
	}
	if err := yaml.Unmarshal(text, &contract); err != nil {
		tb.Fatal(err)
	}
	params := map[string]parameter{}
	for _, p := range contract.Paths[path].Get.Parameters {
		if p.Ref != "" {
			p = contract.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
		if p.In == "query" {
			params[p.Name] = p
		}
	}
	if len(params) == 0 {
		tb.Fatalf("%s has no parameters in %s", path, file)
	}
	return params
}

func TestCallsKeepTheContract(t *testing.T) {
	t.Parallel()
	for path, call := range calls() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			file, at := "query.openapi.yaml", "/api/query"
			if path == "/export" {
				file, at = "export.openapi.yaml", "/api/2.0"
			}
			want := published(t, file, path)
			var sent url.Values
			c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != at+path {
					t.Errorf("%s %s, want GET %s", r.Method, r.URL.Path, at+path)
				}
				sent = r.URL.Query()
			})
			_ = call(t.Context(), c) // the answer is empty
			checkParams(t, sent, want)
		})
	}
}

// checkParams holds what was sent against the contract.
func checkParams(tb testing.TB, sent url.Values, want map[string]parameter) {
	tb.Helper()
	for name, values := range sent {
		p, ok := want[name]
		switch {
		case !ok:
			tb.Errorf("parameter %s is sent, and is not in the contract", name)
		case len(p.Schema.Enum) > 0 && !slices.Contains(p.Schema.Enum, values[0]):
			tb.Errorf("parameter %s is %q, not one of %q", name, values[0], p.Schema.Enum)
		case p.Schema.Type == "integer":
			if _, err := strconv.ParseInt(values[0], 10, 64); err != nil {
				tb.Errorf("parameter %s is %q, not an integer", name, values[0])
			}
		}
		if strings.HasSuffix(name, "_date") {
			if _, err := day.Parse(values[0]); err != nil {
				tb.Errorf("parameter %s: %v", name, err)
			}
		}
	}
	for name, p := range want {
		if p.Required && !sent.Has(name) {
			tb.Errorf("parameter %s is required, and is not sent", name)
		}
	}
}

// TestEnumsKeepTheContract holds each text that a call takes, and each that the contract lists, against the other.
func TestEnumsKeepTheContract(t *testing.T) {
	t.Parallel()
	segmentation, funnels := published(t, "query.openapi.yaml", "/segmentation"), published(t, "query.openapi.yaml", "/funnels")
	c := serve(t, func(http.ResponseWriter, *http.Request) {})
	tests := []struct {
		name  string
		known []string
		ask   func(value string) error
	}{
		{"segmentation's units", segmentation["unit"].Schema.Enum, func(value string) error {
			r := search()
			r.Unit = mixpanel.Unit(value)
			_, err := c.Segmentation(t.Context(), r)
			return err
		}},
		{"segmentation's types", segmentation["type"].Schema.Enum, func(value string) error {
			r := search()
			r.Type = mixpanel.Analysis(value)
			_, err := c.Segmentation(t.Context(), r)
			return err
		}},
		{"funnels' units", funnels["unit"].Schema.Enum, func(value string) error {
			r := checkout()
			r.Unit = mixpanel.Unit(value)
			_, err := c.Funnel(t.Context(), r)
			return err
		}},
	}
	values := []string{"minute", "hour", "day", "week", "month", "year", "general", "unique", "average", "median"}
	for _, tt := range tests {
		for _, value := range values {
			e, ok := errors.AsType[*mixpanel.Error](tt.ask(value))
			if taken := ok && e.Reason != mixpanel.ReasonBadRequest; taken != slices.Contains(tt.known, value) {
				t.Errorf("%s: %q is taken: %t; the contract has %q", tt.name, value, taken, tt.known)
			}
		}
	}
}
