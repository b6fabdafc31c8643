package mixpaneltest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/day"
)

// eventCounts returns how often events happened.
func (c *call) eventCounts() (any, error) {
	return c.countBy(func(r Row) (string, bool, error) { return r.Event, true, nil })
}

// propertyCounts returns how often events had the values of a property.
func (c *call) propertyCounts() (any, error) {
	return c.countBy(func(r Row) (string, bool, error) {
		fields, err := r.fields()
		if err != nil {
			return "", false, err
		}
		value, ok := fields[c.property]
		if !ok || c.only != nil && !slices.Contains(c.only, text(value)) {
			return "", false, nil
		}
		return text(value), true, nil
	})
}

// countBy counts events by segment and unit. segment returns the segment of an event.
func (c *call) countBy(segment func(Row) (name string, counts bool, err error)) (any, error) {
	bySegment := make(tallies)
	byUnit := make(map[string]tallies) // by segment
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		name, counts, err := segment(row)
		if err != nil {
			return nil, err
		}
		if !counts {
			continue
		}
		bySegment.add(name, row)
		if byUnit[name] == nil {
			byUnit[name] = make(tallies)
		}
		byUnit[name].add(c.unitOf(row.Time), row)
	}
	series := c.series()
	values := make(map[string]map[string]float64)
	limit := c.limit
	if limit == 0 {
		limit = len(bySegment)
	}
	for _, name := range bySegment.top(c.kind, limit) {
		values[name] = make(map[string]float64, len(series))
		for _, unit := range series {
			values[name][unit] = byUnit[name][unit].amount(c.kind)
		}
	}
	return map[string]any{
		"data":        map[string]any{"series": series, "values": values},
		"legend_size": len(values),
	}, nil
}

// buckets returns how often an event had numbers of a property in buckets of width ten.
func (c *call) buckets() (any, error) {
	return c.countBy(func(r Row) (string, bool, error) {
		n, ok, err := c.numberOf(r)
		if err != nil || !ok {
			return "", false, err
		}
		low := int64(n) / 10 * 10
		return fmt.Sprintf("%d - %d", low, low+10), true, nil
	})
}

// numberOf returns the property to count by, if it is a number.
func (c *call) numberOf(r Row) (n float64, ok bool, err error) {
	fields, err := r.fields()
	if err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseFloat(string(fields[c.on]), 64)
	return n, err == nil, nil
}

// sum returns the sum of a property of an event; values that are not numbers count as 0.
func (c *call) sum() (any, error) { return c.fold(func(sum float64, _ int) float64 { return sum }) }

// average returns the mean of a property of an event.
func (c *call) average() (any, error) {
	return c.fold(func(sum float64, n int) float64 { return sum / float64(max(n, 1)) })
}

func (c *call) fold(result func(sum float64, n int) float64) (any, error) {
	sums, counts := make(map[string]float64), make(map[string]int)
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		n, _, err := c.numberOf(row)
		if err != nil {
			return nil, err
		}
		unit := c.unitOf(row.Time)
		sums[unit] += n
		counts[unit]++
	}
	results := make(map[string]float64)
	for _, unit := range c.series() {
		results[unit] = result(sums[unit], counts[unit])
	}
	return map[string]any{"status": "ok", "results": results, "computed_at": c.server.now().UTC().Format(time.RFC3339)}, nil
}

// retention returns how many of the people with one event later had another one. People are counted from the first day
// in the range on which they had the event. They return in an interval of whole units since that day; the first
// interval starts with it.
func (c *call) retention() (any, error) {
	born, back, where, backWhere := c.filter.events, c.back, c.bornWhere, c.filter
	length := map[string]int{"day": 1, "week": 7, "month": 30}[c.unit] * c.interval
	today := day.Of(c.server.now().In(c.project.Location))
	last := min(today, c.days.To+day.Day(length*c.intervals))
	taken := make(map[string]day.Day)
	returned := make(map[string]map[int]bool)
	c.filter = filter{}
	for row, err := range c.rows(day.Range{From: c.days.From, To: last}) {
		if err != nil {
			return nil, err
		}
		_, isIn := taken[row.DistinctID]
		line := []byte(`{"event":` + string(quote(row.Event)) + `,"properties":` + row.Properties + `}`)
		if !isIn && row.Day <= c.days.To && slices.Contains(born, row.Event) && where.takes(line) {
			taken[row.DistinctID], returned[row.DistinctID] = row.Day, make(map[int]bool)
			continue
		}
		backWhere.events = back
		if isIn && backWhere.takes(line) {
			returned[row.DistinctID][int(row.Day-taken[row.DistinctID])/length] = true
		}
	}
	type period struct {
		First  int   `json:"first"`
		Counts []int `json:"counts"`
	}
	periods := make(map[string]*period)
	for d := range c.days.All() {
		periods[c.unitOf(d.Start(c.zone()))] = &period{Counts: make([]int, c.intervals)}
	}
	for person, d := range taken {
		p := periods[c.unitOf(d.Start(c.zone()))]
		p.First++
		for i := range p.Counts {
			if returned[person][i] {
				p.Counts[i]++
			}
		}
	}
	return periods, nil
}
