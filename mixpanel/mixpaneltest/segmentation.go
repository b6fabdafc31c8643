package mixpaneltest

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"mixduck/internal/day"
)

var propertyPattern = regexp.MustCompile(`^properties\[("(?:[^"\\]|\\.)*")\]$`)

// undefined is the segment of events that lack the property.
const undefined = "undefined"

// parseOn reads the one expression to count by that the stand-in knows, properties["K"], and returns K.
func parseOn(text string) (key string, ok bool) {
	m := propertyPattern.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	err := json.Unmarshal([]byte(m[1]), &key)
	return key, err == nil && key != ""
}

// segmentation answers how often an event happened.
func (c *call) segmentation() (any, error) {
	return c.countBy(func(r Row) (string, bool, error) {
		name, err := c.segment(r)
		return name, true, err
	})
}

// segment returns what row is counted as.
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

// zone is the one whose days the project is exported by.
func (c *call) zone() *time.Location {
	if c.project.ShiftedTimes {
		return c.project.Location
	}
	return time.UTC
}

// unitOf returns the beginning of the unit that t lies in.
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

// series returns the beginnings of all units in days, ascending.
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
	slices.Sort(series) // a clock that is put back shows an hour twice, and makes a day longer than its step
	return slices.Compact(series)
}
