package mixpanel_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/mixpanel"
)

func TestPeopleAreCountedOnce(t *testing.T) {
	t.Parallel()
	_, c := serveEvents(t, 60)
	r := week()
	events, err := c.Segmentation(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Type = mixpanel.AnalysisUnique
	people, err := c.Segmentation(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Type = mixpanel.AnalysisAverage
	average, err := c.Segmentation(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range events.Series {
		n, _ := events.Values["Page Viewed"][d].Float64()
		p, _ := people.Values["Page Viewed"][d].Float64()
		a, _ := average.Values["Page Viewed"][d].Float64()
		if p <= 0 || p > n || a != n/p {
			t.Errorf("%s: %v events of %v people, %v each", d, n, p, a)
		}
	}
}

func TestFunnels(t *testing.T) {
	t.Parallel()
	_, c := serveEvents(t, 400)
	saved, err := c.FunnelList(t.Context(), 7)
	if want := []mixpanel.SavedFunnel{{ID: 7509, Name: "Purchase"}}; err != nil || !slices.Equal(saved, want) {
		t.Fatalf("FunnelList = %v, %v, want %v", saved, err, want)
	}
	r := mixpanel.FunnelRequest{Project: 7, Funnel: 7509, Days: day.Range{From: today - 2, To: today}}
	days, err := c.Funnel(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	people := week()
	people.Days, people.Type = r.Days, mixpanel.AnalysisUnique
	entered, err := c.Segmentation(t.Context(), people)
	if err != nil {
		t.Fatal(err)
	}
	if len(days) != 3 {
		t.Fatalf("%d periods, want 3", len(days))
	}
	for i, p := range days {
		if p.Start != r.Days.From+day.Day(i) || len(p.Steps) != 3 || p.Steps[2].Event != "Purchase" {
			t.Errorf("period %d = %+v", i, p)
		}
		first, second := p.Steps[0], p.Steps[1]
		if want := entered.Values["Page Viewed"][p.Start.String()].String(); strconv.FormatInt(first.Count, 10) != want {
			t.Errorf("%s: %d people entered, want %s", p.Start, first.Count, want)
		}
		if first.AfterStart != 0 || second.AfterStart <= 0 || second.Count > first.Count || second.FromStart != float64(second.Count)/float64(first.Count) {
			t.Errorf("%s: steps %+v", p.Start, p.Steps)
		}
	}
	r.Unit = mixpanel.UnitMonth
	if months, err := c.Funnel(t.Context(), r); err != nil || len(months) != 1 || months[0].Start != day.New(2025, 3, 1) {
		t.Errorf("by month: %+v, %v", months, err)
	}
	r.Funnel = 1
	_, err = c.Funnel(t.Context(), r)
	wantError(t, err, mixpanel.Retry, mixpanel.ReasonBadRequest)
}

// TestAnswersOfTheContract parses responses in the forms of the examples in Mixpanel's OpenAPI description, and some
// that it does not specify.
func TestAnswersOfTheContract(t *testing.T) {
	t.Parallel()
	const custom = `{"count":9007199254740993,"avg_time":133.5,"avg_time_from_start":140,"step_conv_ratio":0.5,"goal":"$custom_event:1",` +
		`"step_label":"Game Played","custom_event":true,"custom_event_id":1,"overall_conv_ratio":0.25,"event":"$custom_event:1"}`
	tests := []struct {
		name, body string
		ask        func(ctx context.Context, c *mixpanel.Client) (any, error)
		want       any // nil means an error
	}{
		{
			"top events", `{"events":[{"amount":9007199254740993,"event":"a","percent_change":-0.5,"new":[]},{"amount":1.5,"event":"b","percent_change":null}],"type":"unique"}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.TopEvents(ctx, 1, "", 0) },
			[]mixpanel.TopEvent{{Event: "a", Amount: "9007199254740993", PercentChange: -0.5}, {Event: "b", Amount: "1.5"}},
		},
		{
			"no events today", `{"events":[],"type":"unique"}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.TopEvents(ctx, 1, "", 0) },
			[]mixpanel.TopEvent{},
		},
		{
			"no top events", `{"type":"unique"}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.TopEvents(ctx, 1, "", 0) },
			nil,
		},
		{
			"properties, one of them named error", `{"ad version":{"count":295},"error":{"count":91},"b":{"count":295}}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.EventProperties(ctx, 1, "a", 0) },
			[]mixpanel.PropertyCount{{Name: "ad version", Count: 295}, {Name: "b", Count: 295}, {Name: "error", Count: 91}},
		},
		{
			"values that are no texts", `["cat",9007199254740993,true,null,["a"]]`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) {
				return c.PropertyValues(ctx, 1, "a", "b", 0)
			},
			[]string{"cat", "9007199254740993", "true", "", `["a"]`},
		},
		{
			"a segmentation", `{"data":{"series":["2011-08-09","2011-08-08"],"values":{"Signed up":{"2011-08-08":9007199254740993,"2011-08-09":0.5}}},"legend_size":1}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.Segmentation(ctx, search()) },
			mixpanel.Segmentation{
				Series: []string{"2011-08-08", "2011-08-09"},
				Values: map[string]map[string]json.Number{"Signed up": {"2011-08-08": "9007199254740993", "2011-08-09": "0.5"}},
			},
		},
		{
			"no segmentation", `{"data":{},"legend_size":1}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.Segmentation(ctx, search()) },
			nil,
		},
		{
			"saved funnels", `[{"funnel_id":7509,"name":"Signup funnel","creator":1}]`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.FunnelList(ctx, 1) },
			[]mixpanel.SavedFunnel{{ID: 7509, Name: "Signup funnel"}},
		},
		{
			"a funnel",
			`{"meta":{"dates":["2016-09-12"]},"data":{"2016-09-19":{"steps":[],"analysis":{}},"2016-09-12":{"steps":[{"count":3,"avg_time":null,"goal":"App Open"},` + custom + `]}}}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.Funnel(ctx, checkout()) },
			[]mixpanel.FunnelPeriod{
				{Start: day.New(2016, 9, 12), Steps: []mixpanel.FunnelStep{
					{Event: "App Open", Label: "App Open", Count: 3},
					{
						Event: "$custom_event:1", Label: "Game Played", Count: 9007199254740993, FromPrevious: 0.5, FromStart: 0.25,
						AfterPrevious: 133500 * time.Millisecond, AfterStart: 140 * time.Second,
					},
				}, Raw: json.RawMessage(`{"steps":[{"count":3,"avg_time":null,"goal":"App Open"},` + custom + `]}`)},
				{Start: day.New(2016, 9, 19), Steps: []mixpanel.FunnelStep{}, Raw: json.RawMessage(`{"steps":[],"analysis":{}}`)},
			},
		},
		{
			"no funnel", `{"meta":{}}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.Funnel(ctx, checkout()) },
			nil,
		},
		{
			"a funnel without dates", `{"data":{"soon":{"steps":[]}}}`,
			func(ctx context.Context, c *mixpanel.Client) (any, error) { return c.Funnel(ctx, checkout()) },
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			got, err := tt.ask(t.Context(), c)
			if tt.want == nil {
				wantError(t, err, mixpanel.Retry, mixpanel.ReasonServer)
				return
			}
			if diff := gocmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
