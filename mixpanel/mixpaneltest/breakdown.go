package mixpaneltest

import (
	"encoding/json"

	"mixduck/internal/day"
)

// names returns the most common events of the last days.
func (c *call) names() (any, error) {
	byName, hidden := make(tallies), c.hiddenEvents()
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		if !hidden[row.Event] {
			byName.add(row.Event, row)
		}
	}
	return byName.top(c.kind, c.limit), nil
}

// top returns today's most common events.
func (c *call) top() (any, error) {
	today, yesterday, hidden := make(tallies), make(tallies), c.hiddenEvents()
	for row, err := range c.rows(day.Range{From: c.days.To - 1, To: c.days.To}) {
		if err != nil {
			return nil, err
		}
		if hidden[row.Event] {
			continue
		}
		if row.Day == c.days.To {
			today.add(row.Event, row)
		} else {
			yesterday.add(row.Event, row)
		}
	}
	events := []map[string]any{}
	for _, name := range today.top(c.kind, c.limit) {
		amount, before := today[name].amount(c.kind), yesterday[name].amount(c.kind)
		change := 1.0
		if before > 0 {
			change = (amount - before) / before
		}
		events = append(events, map[string]any{"event": name, "amount": amount, "percent_change": change})
	}
	return map[string]any{"events": events, "type": c.kind}, nil
}

// properties returns the most common properties of an event.
func (c *call) properties() (any, error) {
	byName := make(tallies)
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		fields, err := row.fields()
		if err != nil {
			return nil, err
		}
		for name := range fields {
			byName.add(name, row)
		}
	}
	counts := make(map[string]map[string]int)
	for _, name := range byName.top(c.kind, c.limit) {
		counts[name] = map[string]int{"count": byName[name].events}
	}
	return counts, nil
}

// values returns the most common values of a property of an event.
func (c *call) values() (any, error) {
	byValue := make(tallies)
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		fields, err := row.fields()
		if err != nil {
			return nil, err
		}
		if value, ok := fields[c.property]; ok {
			byValue.add(text(value), row)
		}
	}
	return byValue.top(c.kind, c.limit), nil
}

// fields splits the properties.
func (r Row) fields() (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	err := json.Unmarshal([]byte(r.Properties), &fields)
	return fields, err
}

// text returns the string in value, or value as JSON.
func text(value json.RawMessage) string {
	var s string
	if isString(value) && json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}
