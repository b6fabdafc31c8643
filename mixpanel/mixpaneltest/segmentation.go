package mixpaneltest

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"mixduck/internal/day"
)

var propertyPattern = regexp.MustCompile(`^properties\[("(?:[^"\\]|\\.)*")\]$`)

// undefined is the segment of events without the property.
const undefined = "undefined"

// parseOn parses properties["K"], the only supported expression to count by, and returns K.
func parseOn(text string) (key string, ok bool) {
	m := propertyPattern.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	err := json.Unmarshal([]byte(m[1]), &key)
	return key, err == nil && key != ""
}

// segmentation returns how often an event happened.
func (c *call) segmentation() (any, error) {
	return c.countBy(func(r Row) (string, bool, error) {
		name, err := c.segment(r)
		return name, true, err
	})
}

// segment returns the segment of row.
func (c *call) segment(row Row) (string, error) {
	if c.on == "" {
		return row.Event, nil
	}
	fields, err := row.fields()
	if err != nil {
		return "", err
	}
	value, ok := fields[c.on]
	if !ok {
		return undefined, nil
	}
	return text(value), nil
}

// zone returns the zone of the days by which the project is exported.
func (c *call) zone() *time.Location {
	if c.project.ShiftedTimes {
		return c.project.Location
	}
	return time.UTC
}

// unitOf returns the start of the unit that contains t.
func (c *call) unitOf(t time.Time) string {
	t = t.In(c.zone())
	switch c.unit {
	case "minute":
		return t.Format("2006-01-02 15:04:00")
	case "hour":
		return t.Format("2006-01-02 15:00:00")
	case "week":
		return (day.Of(t) - day.Day(t.Weekday()+6)%7).String() // Monday
	case "month":
		return t.Format("2006-01-") + "01"
	}
	return t.Format(time.DateOnly)
}

// series returns the starts of all units in days, in ascending order.
func (c *call) series() []string {
	step := 24 * time.Hour
	switch c.unit {
	case "minute":
		step = time.Minute
	case "hour":
		step = time.Hour
	}
	var series []string
	for d := range c.days.All() {
		t, end := d.Start(c.zone()), (d + 1).Start(c.zone())
		for ; t.Before(end); t = t.Add(step) {
			series = append(series, c.unitOf(t))
		}
	}
	slices.Sort(series) // a clock that is set back shows an hour twice, and makes a day longer than its step
	return slices.Compact(series)
}
