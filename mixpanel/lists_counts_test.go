package mixpanel_test

import (
	"net/http"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

func TestCountsOfTheQueryAPI(t *testing.T) {
	t.Parallel()
	_, c := site(t, nil)
	days := day.Range{From: day.New(2026, 10, 1), To: day.New(2026, 10, 3)}
	total := func(s mixpanel.Segmentation) (sum float64) {
		for _, units := range s.Values {
			for _, n := range units {
				f, err := n.Float64()
				if err != nil {
					t.Error(err)
				}
				sum += f
			}
		}
		return sum
	}
	one, err := c.Segmentation(t.Context(), mixpanel.SegmentationRequest{Project: 12345, Event: "Page Viewed", Days: days})
	if err != nil || total(one) == 0 {
		t.Fatal(one, err)
	}
	counts, err := c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 12345, Events: []string{"Page Viewed"}, Days: days})
	if diff := gocmp.Diff(one, counts); err != nil || diff != "" {
		t.Errorf("event counts: %v (-segmentation +got):\n%s", err, diff)
	}
	plans, err := c.PropertyCounts(t.Context(), mixpanel.PropertyCountsRequest{Project: 12345, Event: "Page Viewed", Property: "plan", Days: days})
	if err != nil || total(plans) != total(one) || len(plans.Values) < 2 {
		t.Errorf("counts by plan = %v, %v; want %v in all", plans, err, total(one))
	}
	r := mixpanel.NumericRequest{Project: 12345, Event: "Page Viewed", Days: days, On: `properties["price"]`}
	buckets, err := c.NumericBuckets(t.Context(), r)
	if err != nil || total(buckets) != total(one) {
		t.Errorf("buckets = %v, %v; want %v in all", buckets, err, total(one))
	}
	sums, err := c.NumericSum(t.Context(), r)
	averages, err2 := c.NumericAverage(t.Context(), r)
	if err != nil || err2 != nil || len(sums) != 3 || len(averages) != 3 {
		t.Fatal(sums, averages, err, err2)
	}
	for unit, sum := range sums {
		s, _ := sum.Float64()
		average, _ := averages[unit].Float64()
		n, _ := one.Values["Page Viewed"][unit].Float64()
		if d := s - average*n; d > 0.01 || d < -0.01 || s == 0 {
			t.Errorf("%s: the sum is %v, the average %v of %v", unit, s, average, n)
		}
	}
	periods, err := c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 12345, Born: "Page Viewed", Days: days, Intervals: 3})
	if err != nil || len(periods) != 3 || periods[0].Start != days.From || len(periods[0].Counts) != 3 || periods[0].First == 0 {
		t.Errorf("retention = %+v, %v", periods, err)
	}
}

func TestCountsRefuseNonsense(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	days := october().Days
	last := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"no events":             last(c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 1, Days: days})),
		"an empty event":        last(c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 1, Events: []string{""}, Days: days})),
		"no property":           last(c.PropertyCounts(t.Context(), mixpanel.PropertyCountsRequest{Project: 1, Event: "a", Days: days})),
		"nothing to add up":     last(c.NumericSum(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days})),
		"a sum of people":       last(c.NumericSum(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days, On: "x", Type: mixpanel.AnalysisUnique})),
		"numbers by month":      last(c.NumericBuckets(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days, On: "x", Unit: mixpanel.UnitMonth})),
		"nobody is taken in":    last(c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 1, Days: days})),
		"a negative interval":   last(c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 1, Born: "a", Days: days, Interval: -1})),
		"no report":             last(c.SavedReport(t.Context(), 1, 0)),
		"annotations of no day": last(c.Annotations(t.Context(), 1, day.Range{From: days.To, To: days.From})),
	} {
		e := wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
		if fault.CodeOf(err) != fault.CodeUsage || e.Status != 0 {
			t.Errorf("%s: %v (%s)", name, err, fault.CodeOf(err))
		}
	}
}

func TestFunnelsHoldWhatTheStandInKnows(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	days := october().Days
	want, err := fake.FunnelDays(12345, 7509, days)
	if err != nil {
		t.Fatal(err)
	}
	periods, err := c.Funnel(t.Context(), mixpanel.FunnelRequest{Project: 12345, Funnel: 7509, Days: days})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[day.Day]string)
	for _, p := range periods {
		got[p.Start] = string(p.Raw)
	}
	if diff := gocmp.Diff(want, got); diff != "" || len(got) != 7 {
		t.Errorf("%d days (-truth +got):\n%s", len(got), diff)
	}
	if _, err := fake.FunnelDays(12345, 1, days); err == nil {
		t.Error("a funnel that is not there has days")
	}
}

// Events that are hidden in Lexicon are not in the lists of events, but are counted.
func TestHiddenEventsAreNotListed(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	has := func() (listed, top bool) {
		names, err := c.EventNames(t.Context(), 12345, 0)
		if err != nil {
			t.Fatal(err)
		}
		events, err := c.TopEvents(t.Context(), 12345, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(names, "Page Viewed"), slices.ContainsFunc(events, func(e mixpanel.TopEvent) bool { return e.Event == "Page Viewed" })
	}
	if listed, top := has(); !listed || !top {
		t.Errorf("before: listed %t, top %t", listed, top)
	}
	if err := fake.PutLexicon(12345, mixpaneltest.LexiconEntry{Kind: "event", Name: "Page Viewed", Schema: []byte(`{"metadata":{"com.mixpanel":{"hidden":true}}}`)}); err != nil {
		t.Fatal(err)
	}
	if listed, top := has(); listed || top {
		t.Errorf("hidden: listed %t, top %t", listed, top)
	}
	counts, err := c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 12345, Events: []string{"Page Viewed"}, Days: october().Days})
	if err != nil || len(counts.Values["Page Viewed"]) != 7 {
		t.Errorf("counts = %v, %v", counts, err)
	}
}
