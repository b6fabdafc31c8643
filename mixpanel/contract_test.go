package mixpanel_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/openapitest"
	"mixduck/mixpanel"
)

// call is any call of a client that sends one request.
type call func(ctx context.Context, c *mixpanel.Client) error

// calls returns every call with all its parameters, by the path of its OpenAPI description.
func calls() map[string]call {
	all := queries()
	all["/export"] = func(ctx context.Context, c *mixpanel.Client) error {
		r := october()
		r.Events, r.Where = []string{"a"}, "true"
		return readAll(c.Export(ctx, r))
	}
	return all
}

// apps returns the calls of the application API, by path.
func apps() map[string]call {
	return map[string]call{
		"/projects/12345/annotations": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Annotations(ctx, 12345, october().Days)
			return err
		},
		"/projects/12345/schemas": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Lexicon(ctx, 12345)
			return err
		},
	}
}

// comeBack returns a retention request with all fields set.
func comeBack() mixpanel.RetentionRequest {
	return mixpanel.RetentionRequest{
		Project: 12345, Born: "Search", Return: "Purchase", Days: october().Days, BornWhere: `properties["plan"] == "pro"`,
		ReturnWhere: `properties["$os"] == "iOS"`, Unit: mixpanel.UnitWeek, Interval: 2, Intervals: 3,
	}
}

// price returns a request for numbers with all fields set.
func price() mixpanel.NumericRequest {
	return mixpanel.NumericRequest{
		Project: 12345, Event: "Purchase", Days: october().Days, On: `properties["price"]`, Where: `properties["plan"] == "pro"`,
		Unit: mixpanel.UnitHour, Type: mixpanel.AnalysisUnique,
	}
}

// readAll reads a body to its end.
func readAll(b *mixpanel.Body, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, b)
	return errors.Join(err, b.Close())
}

// queries returns the calls of the Query API with all their parameters.
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
		"/engage": func(ctx context.Context, c *mixpanel.Client) error { return readAll(c.EngagePage(ctx, people())) },
		"/funnels/list": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.FunnelList(ctx, 12345)
			return err
		},
		"/cohorts/list": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Cohorts(ctx, 12345)
			return err
		},
		"/insights": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.SavedReport(ctx, 12345, 63877017)
			return err
		},
		"/retention": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Retention(ctx, comeBack())
			return err
		},
		"/events": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.EventCounts(ctx, mixpanel.CountsRequest{Project: 12345, Events: []string{"Search", "a"}, Days: october().Days})
			return err
		},
		"/events/properties": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.PropertyCounts(ctx, mixpanel.PropertyCountsRequest{
				Project: 12345, Event: "Search", Property: "plan", Values: []string{"pro", "free"}, Days: october().Days,
				Unit: mixpanel.UnitMonth, Type: mixpanel.AnalysisUnique, Limit: 3,
			})
			return err
		},
		"/segmentation/numeric": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.NumericBuckets(ctx, price())
			return err
		},
		"/segmentation/sum": func(ctx context.Context, c *mixpanel.Client) error {
			r := price()
			r.Type = ""
			_, err := c.NumericSum(ctx, r)
			return err
		},
		"/segmentation/average": func(ctx context.Context, c *mixpanel.Client) error {
			r := price()
			r.Type = ""
			_, err := c.NumericAverage(ctx, r)
			return err
		},
		"/funnels": func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Funnel(ctx, checkout())
			return err
		},
	}
}

// search returns a segmentation request with all fields set.
func search() mixpanel.SegmentationRequest {
	return mixpanel.SegmentationRequest{
		Project: 12345, Event: "Search", Days: october().Days, On: `properties["$os"]`, Where: `properties["plan"] == "pro"`,
		Unit: mixpanel.UnitHour, Type: mixpanel.AnalysisAverage, Limit: 3,
	}
}

// checkout returns a funnel request with all fields set.
func checkout() mixpanel.FunnelRequest {
	return mixpanel.FunnelRequest{
		Project: 12345, Funnel: 7509, Days: october().Days, Unit: mixpanel.UnitWeek, Where: `properties["plan"] == "pro"`,
	}
}

// TestCallsKeepTheContract compares what each call sends with the OpenAPI files.
func TestCallsKeepTheContract(t *testing.T) {
	t.Parallel()
	all := calls()
	maps.Copy(all, apps())
	for path, call := range all {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			file, at := openapitest.Describes(baseOf(path) + path)
			contract := openapitest.NewChecker(t, file, at) // or skip
			sent := 0
			c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				sent++
				if r.URL.Path != at+path {
					t.Errorf("%s %s, want %s", r.Method, r.URL.Path, at+path)
				}
				contract.Check(t, r)
				for key, values := range r.Form {
					if _, err := day.Parse(values[0]); err != nil && strings.HasSuffix(strings.ToLower(key), "date") {
						t.Errorf("%s: %v", key, err)
					}
				}
			})
			_ = call(t.Context(), c) // the response is empty
			if sent != 1 {
				t.Errorf("%d requests", sent)
			}
		})
	}
}

// baseOf returns the path that a call is below.
func baseOf(path string) string {
	switch {
	case path == "/export":
		return "/api/2.0"
	case strings.HasPrefix(path, "/projects/"):
		return "/api/app"
	}
	return "/api/query"
}

// enum returns the texts in the contract for a parameter of a call of the Query API.
func enum(tb testing.TB, path, parameter string) []string {
	tb.Helper()
	p := openapitest.Parameters(openapitest.Load(tb, "query.openapi.yaml"), http.MethodGet, path)[parameter]
	if p == nil || len(p.Schema.Value.Enum) == 0 {
		tb.Fatalf("%s has no list of values for %s", path, parameter)
	}
	var texts []string
	for _, value := range p.Schema.Value.Enum {
		texts = append(texts, value.(string))
	}
	return texts
}

// TestEnumsKeepTheContract compares the texts that a call accepts with those in the contract.
func TestEnumsKeepTheContract(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) {})
	numeric := func(value string) error {
		r := price()
		r.Unit = mixpanel.Unit(value)
		_, err := c.NumericBuckets(t.Context(), r)
		return err
	}
	counts := func(unit, kind string) error {
		_, err := c.EventCounts(t.Context(), mixpanel.CountsRequest{
			Project: 1, Events: []string{"a"}, Days: october().Days, Unit: mixpanel.Unit(unit), Type: mixpanel.Analysis(kind),
		})
		return err
	}
	tests := []struct {
		name  string
		known []string
		ask   func(value string) error
	}{
		{"segmentation's units", enum(t, "/segmentation", "unit"), func(value string) error {
			r := search()
			r.Unit = mixpanel.Unit(value)
			_, err := c.Segmentation(t.Context(), r)
			return err
		}},
		{"segmentation's types", enum(t, "/segmentation", "type"), func(value string) error {
			r := search()
			r.Type = mixpanel.Analysis(value)
			_, err := c.Segmentation(t.Context(), r)
			return err
		}},
		{"units of numbers", enum(t, "/segmentation/numeric", "unit"), numeric},
		{"events' units", enum(t, "/events", "unit"), func(value string) error { return counts(value, "") }},
		{"events' types", enum(t, "/events", "type"), func(value string) error { return counts("", value) }},
		{"retention's units", enum(t, "/retention", "unit"), func(value string) error {
			r := comeBack()
			r.Unit = mixpanel.Unit(value)
			_, err := c.Retention(t.Context(), r)
			return err
		}},
		{"funnels' units", enum(t, "/funnels", "unit"), func(value string) error {
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
