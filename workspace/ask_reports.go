package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"mixduck/mixpanel"
)

// counts returns the counts of an answer, one row per segment and unit of time, most frequent segment first. Units
// that Mixpanel omits count 0.
func (a *asker) counts(segment string, all ...mixpanel.Segmentation) (*Answer, error) {
	name, kind := a.span()
	found := newAnswer(segment, "VARCHAR", name, kind, "count", "")
	for _, s := range all {
		for _, label := range bySize(s.Values) {
			counts := s.Values[label]
			for _, begin := range slices.Compact(slices.Sorted(joined(slices.Values(s.Series), maps.Keys(counts)))) {
				at, err := a.begin(begin)
				if err != nil {
					return nil, err
				}
				found.rows = append(found.rows, map[string]any{segment: label, name: at, "count": cmp.Or(counts[begin], "0")})
			}
		}
	}
	return found.count("count", a.analysis()), nil
}

// joined yields the values of all.
func joined(all ...func(func(string) bool)) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, some := range all {
			for s := range some {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// bySize returns the segments, most events first.
func bySize(values map[string]map[string]json.Number) []string {
	sums := make(map[string]float64, len(values))
	for label, counts := range values {
		for _, n := range counts {
			f, err := n.Float64()
			if err == nil {
				sums[label] += f
			}
		}
	}
	return slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), strings.Compare(a, b))
	})
}

func segmentation(ctx context.Context, a *asker) (*Answer, error) {
	s, err := request(ctx, a, func() (mixpanel.Segmentation, error) {
		return a.source.Segmentation(ctx, mixpanel.SegmentationRequest{
			Project: a.project, Event: a.Text("event"), Days: a.Days, On: a.Text("on"), Where: a.Text("where"), Unit: a.unit(),
			Type: a.analysis(), Limit: a.limit(),
		})
	})
	if err != nil {
		return nil, err
	}
	return a.counts("segment", s)
}

func (a *asker) numeric() mixpanel.NumericRequest {
	return mixpanel.NumericRequest{
		Project: a.project, Event: a.Text("event"), Days: a.Days, On: a.Text("on"), Where: a.Text("where"), Unit: a.unit(), Type: a.analysis(),
	}
}

func numericBuckets(ctx context.Context, a *asker) (*Answer, error) {
	s, err := request(ctx, a, func() (mixpanel.Segmentation, error) { return a.source.NumericBuckets(ctx, a.numeric()) })
	if err != nil {
		return nil, err
	}
	return a.counts("bucket", s)
}

func numericSum(ctx context.Context, a *asker) (*Answer, error) {
	return a.numbers(ctx, "sum", func() (map[string]json.Number, error) { return a.source.NumericSum(ctx, a.numeric()) })
}

func numericAverage(ctx context.Context, a *asker) (*Answer, error) {
	return a.numbers(ctx, "average", func() (map[string]json.Number, error) { return a.source.NumericAverage(ctx, a.numeric()) })
}

// numbers returns one row per unit of time.
func (a *asker) numbers(ctx context.Context, column string, send func() (map[string]json.Number, error)) (*Answer, error) {
	all, err := request(ctx, a, send)
	if err != nil {
		return nil, err
	}
	name, kind := a.span()
	found := newAnswer(name, kind, column, "DOUBLE")
	for _, begin := range slices.Sorted(maps.Keys(all)) {
		at, err := a.begin(begin)
		if err != nil {
			return nil, err
		}
		found.add(at, all[begin])
	}
	return found, nil
}

func eventCounts(ctx context.Context, a *asker) (*Answer, error) {
	parts, err := a.source.CountsParts(mixpanel.CountsRequest{
		Project: a.project, Events: a.Values["event"], Days: a.Days, Unit: a.unit(), Type: a.analysis(),
	})
	if err != nil {
		return nil, err
	}
	all := make([]mixpanel.Segmentation, len(parts))
	for i, part := range parts {
		if all[i], err = request(ctx, a, func() (mixpanel.Segmentation, error) { return a.source.EventCounts(ctx, part) }); err != nil {
			return nil, err
		}
	}
	return a.counts("event", all...)
}

func propertyCounts(ctx context.Context, a *asker) (*Answer, error) {
	s, err := request(ctx, a, func() (mixpanel.Segmentation, error) {
		return a.source.PropertyCounts(ctx, mixpanel.PropertyCountsRequest{
			Project: a.project, Event: a.Text("event"), Property: a.Text("property"), Values: a.Values["value"], Days: a.Days, Unit: a.unit(),
			Type: a.analysis(), Limit: a.limit(),
		})
	})
	if err != nil {
		return nil, err
	}
	return a.counts("value", s)
}

func funnelSteps(ctx context.Context, a *asker) (*Answer, error) {
	periods, err := request(ctx, a, func() ([]mixpanel.FunnelPeriod, error) {
		return a.source.Funnel(ctx, mixpanel.FunnelRequest{
			Project: a.project, Funnel: a.Number("funnel-id"), Days: a.Days, Unit: a.unit(), Where: a.Text("where"),
		})
	})
	found := newAnswer("date", "DATE", "step", "BIGINT", "event", "VARCHAR", "label", "VARCHAR", "count", "BIGINT", "from_previous", "DOUBLE",
		"from_start", "DOUBLE", "seconds_after_previous", "DOUBLE", "seconds_after_start", "DOUBLE")
	for _, p := range periods {
		for i, s := range p.Steps {
			found.add(p.Start, i+1, s.Event, s.Label, s.Count, s.FromPrevious, s.FromStart, s.AfterPrevious.Seconds(), s.AfterStart.Seconds())
		}
	}
	return found, err
}

func retention(ctx context.Context, a *asker) (*Answer, error) {
	periods, err := request(ctx, a, func() ([]mixpanel.RetentionPeriod, error) {
		return a.source.Retention(ctx, mixpanel.RetentionRequest{
			Project: a.project, Born: a.Text("born"), Return: a.Text("return"), Days: a.Days, BornWhere: a.Text("born-where"),
			ReturnWhere: a.Text("return-where"), Unit: a.unit(), Interval: int(a.Number("interval")), Intervals: int(a.Number("intervals")),
		})
	})
	found := newAnswer("date", "DATE", "first", "BIGINT", "interval", "BIGINT", "count", "BIGINT")
	for _, p := range periods {
		for i, n := range p.Counts {
			found.add(p.Start, p.First, i, n)
		}
		if len(p.Counts) == 0 {
			found.add(p.Start, p.First, nil, nil)
		}
	}
	return found, err
}

func savedReport(ctx context.Context, a *asker) (*Answer, error) {
	r, err := request(ctx, a, func() (mixpanel.SavedReport, error) {
		return a.source.SavedReport(ctx, a.project, a.Number("bookmark-id"))
	})
	if err != nil {
		return nil, err
	}
	found := newAnswer("series", "JSON", "key", "VARCHAR", "value", "")
	points, err := r.Points()
	for _, p := range points {
		var value any
		if p.Value != "" {
			value = p.Value
		}
		found.add(jsonList(p.Series), p.Key, value)
	}
	return found.count("value", ""), err
}
