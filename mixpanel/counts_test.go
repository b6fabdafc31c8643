package mixpanel_test

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

// today is the last day that the stand-in knows.
var today = day.New(2025, 3, 10)

// week returns a request for the week that ends today.
func week() mixpanel.SegmentationRequest {
	return mixpanel.SegmentationRequest{Project: 7, Event: "Page Viewed", Days: day.Range{From: today - 6, To: today}}
}

// serveEvents returns a stand-in with n events per day and a saved funnel, and its client.
func serveEvents(tb testing.TB, n int) (*mixpaneltest.Server, *mixpanel.Client) {
	tb.Helper()
	fake := mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{{
			ID: 7, Region: "us", Username: "sa", Secret: "s3cret",
			Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: n},
			Funnels: []mixpaneltest.Funnel{
				{ID: 7509, Name: "Purchase", Steps: []string{"Page Viewed", "Product Viewed", "Purchase"}},
			},
		}},
		Now: func() time.Time { return today.Start(time.UTC).Add(12 * time.Hour) },
	})
	c, err := mixpanel.New(mixpanel.Config{BaseURL: fake.URL, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdleConnections)
	return fake, c
}

// exported is an event of an export.
type exported struct {
	Event      string
	Properties map[string]json.RawMessage
}

func (e exported) text(key string) string {
	var s string
	if json.Unmarshal(e.Properties[key], &s) == nil {
		return s
	}
	return string(e.Properties[key])
}

// export returns all events of days.
func export(tb testing.TB, c *mixpanel.Client, days day.Range) []exported {
	tb.Helper()
	b, err := c.Export(tb.Context(), mixpanel.ExportRequest{Project: 7, Days: days})
	if err != nil {
		tb.Fatal(err)
	}
	defer b.Close()
	var events []exported
	for in := json.NewDecoder(unzip(tb, b)); in.More(); {
		var e exported
		if err := in.Decode(&e); err != nil {
			tb.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// unzip returns the lines of a body.
func unzip(tb testing.TB, b *mixpanel.Body) io.Reader {
	tb.Helper()
	if !b.Gzip {
		return b
	}
	zr, err := gzip.NewReader(b)
	if err != nil {
		tb.Fatal(err)
	}
	return zr
}

// tops returns the keys with the largest counts, largest first.
func tops(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}

func TestBreakdownsAreThoseOfTheExport(t *testing.T) {
	t.Parallel()
	_, c := serveEvents(t, 20)
	names, now, before, properties, plans := map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, part := range []struct {
		days  day.Range
		count map[string]int64
	}{
		{day.Range{From: today - 30, To: today - 2}, map[string]int64{}},
		{day.Range{From: today - 1, To: today - 1}, before},
		{day.Range{From: today, To: today}, now},
	} {
		for _, e := range export(t, c, part.days) {
			names[e.Event]++
			part.count[e.Event]++
			if e.Event == "Search" {
				plans[e.text("plan")]++
				for key := range e.Properties {
					properties[key]++
				}
			}
		}
	}

	gotNames, err := c.EventNames(t.Context(), 7, 5)
	if diff := gocmp.Diff(tops(names)[:5], gotNames); err != nil || diff != "" {
		t.Errorf("names: %v (-export +query):\n%s", err, diff)
	}
	gotTop, err := c.TopEvents(t.Context(), 7, "", 3)
	var wantTop []mixpanel.TopEvent
	for _, name := range tops(now)[:3] {
		wantTop = append(wantTop, mixpanel.TopEvent{
			Event: name, Amount: json.Number(strconv.FormatInt(now[name], 10)),
			PercentChange: float64(now[name]-before[name]) / float64(before[name]),
		})
	}
	if diff := gocmp.Diff(wantTop, gotTop); err != nil || diff != "" {
		t.Errorf("top events: %v (-export +query):\n%s", err, diff)
	}
	gotProperties, err := c.EventProperties(t.Context(), 7, "Search", 100)
	var wantProperties []mixpanel.PropertyCount
	for _, name := range tops(properties) {
		wantProperties = append(wantProperties, mixpanel.PropertyCount{Name: name, Count: properties[name]})
	}
	if diff := gocmp.Diff(wantProperties, gotProperties); err != nil || diff != "" {
		t.Errorf("properties: %v (-export +query):\n%s", err, diff)
	}
	gotPlans, err := c.PropertyValues(t.Context(), 7, "Search", "plan", 0)
	if diff := gocmp.Diff(tops(plans), gotPlans); err != nil || diff != "" {
		t.Errorf("values: %v (-export +query):\n%s", err, diff)
	}
}

func TestSegmentationIsThatOfTheExport(t *testing.T) {
	t.Parallel()
	_, c := serveEvents(t, 80)
	r := week()
	all := export(t, c, r.Days)
	tests := []struct {
		name string
		edit func(*mixpanel.SegmentationRequest)
		bin  func(exported) (segment, unit string) // "" omits it
	}{
		{"by day", func(*mixpanel.SegmentationRequest) {}, func(e exported) (string, string) {
			return e.Event, at(e).Format(time.DateOnly)
		}},
		{"by hour", func(r *mixpanel.SegmentationRequest) { r.Unit = mixpanel.UnitHour }, func(e exported) (string, string) {
			return e.Event, at(e).Format("2006-01-02 15:00:00")
		}},
		{"by month", func(r *mixpanel.SegmentationRequest) { r.Unit = mixpanel.UnitMonth }, func(e exported) (string, string) {
			return e.Event, "2025-03-01"
		}},
		{"by a property", func(r *mixpanel.SegmentationRequest) { r.On = `properties["$os"]` }, func(e exported) (string, string) {
			return e.text("$os"), at(e).Format(time.DateOnly)
		}},
		{"with a condition", func(r *mixpanel.SegmentationRequest) { r.Where = `properties["plan"] == "pro"` }, func(e exported) (string, string) {
			if e.text("plan") != "pro" {
				return "", ""
			}
			return e.Event, at(e).Format(time.DateOnly)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := map[string]map[string]int64{}
			for _, e := range all {
				segment, unit := tt.bin(e)
				if e.Event != "Page Viewed" || segment == "" {
					continue
				}
				if want[segment] == nil {
					want[segment] = map[string]int64{}
				}
				want[segment][unit]++
			}
			r := week()
			tt.edit(&r)
			s, err := c.Segmentation(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, counts(t, s)); diff != "" {
				t.Errorf("(-export +query):\n%s", diff)
			}
			if !slices.IsSorted(s.Series) || len(s.Series) == 0 {
				t.Errorf("series = %q, want it sorted", s.Series)
			}
		})
	}
}

// at returns the time of an event.
func at(e exported) time.Time {
	seconds, _ := strconv.ParseInt(string(e.Properties["time"]), 10, 64)
	return time.Unix(seconds, 0).UTC()
}

// counts returns the values of s that are not 0.
func counts(tb testing.TB, s mixpanel.Segmentation) map[string]map[string]int64 {
	tb.Helper()
	all := map[string]map[string]int64{}
	for segment, units := range s.Values {
		all[segment] = map[string]int64{}
		for unit, count := range units {
			n, err := count.Int64()
			if err != nil {
				tb.Fatal(err)
			}
			if n > 0 {
				all[segment][unit] = n
			}
		}
	}
	return all
}
