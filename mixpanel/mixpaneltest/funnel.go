package mixpaneltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"mixduck/internal/day"
)

// journey is a person's progress in a funnel: when each step was taken.
type journey []time.Time

// funnels returns the saved funnels.
func (c *call) funnels() (any, error) {
	list := []map[string]any{}
	for _, f := range c.savedNow().funnels.items {
		list = append(list, map[string]any{"funnel_id": f.ID, "name": f.Name})
	}
	return list, nil
}

// funnel returns how far people got. A person enters once per unit, with the first event of the first step, and takes
// each later step with the next event of it, until the end of the range. Mixpanel's time limit is not implemented.
func (c *call) funnel() (any, error) {
	saved := c.savedNow().funnels.items
	i := slices.IndexFunc(saved, func(f Funnel) bool { return f.ID == c.funnelID })
	if i < 0 {
		return nil, fmt.Errorf("there is no funnel %d", c.funnelID)
	}
	steps := saved[i].Steps
	c.filter.events = steps
	journeys := make(map[string]map[string]journey) // by unit and person
	for row, err := range c.rows(c.days) {
		if err != nil {
			return nil, err
		}
		for _, people := range journeys {
			j, begun := people[row.DistinctID]
			if begun && len(j) < len(steps) && steps[len(j)] == row.Event {
				people[row.DistinctID] = append(j, row.Time)
			}
		}
		unit := c.unitOf(row.Time)
		if journeys[unit] == nil {
			journeys[unit] = make(map[string]journey)
		}
		if _, begun := journeys[unit][row.DistinctID]; !begun && row.Event == steps[0] {
			journeys[unit][row.DistinctID] = journey{row.Time}
		}
	}
	dates := c.series()
	data := make(map[string]any, len(dates))
	for _, unit := range dates {
		data[unit] = report(steps, journeys[unit])
	}
	return map[string]any{"meta": map[string]any{"dates": dates}, "data": data}, nil
}

// FunnelDays returns what a correct copy holds of a saved funnel: for each day, the exact text that Mixpanel sends.
func (s *Server) FunnelDays(id, funnel int64, days day.Range) (map[day.Day]string, error) {
	p := s.projects[id]
	if p == nil {
		return nil, fmt.Errorf("project %d: not known", id)
	}
	c := call{server: s, project: p, unit: "day", funnelID: funnel}
	c.days = days
	answer, err := c.funnel()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var sent struct {
		Data map[day.Day]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &sent); err != nil {
		return nil, err
	}
	texts := make(map[day.Day]string, len(sent.Data))
	for d, raw := range sent.Data {
		texts[d] = string(raw)
	}
	return texts, nil
}

// report sums up the journeys that started in one unit.
func report(steps []string, people map[string]journey) map[string]any {
	counts := make([]int, len(steps))
	sinceStep, sinceStart := make([]time.Duration, len(steps)), make([]time.Duration, len(steps))
	for _, j := range people {
		for i, at := range j {
			counts[i]++
			sinceStep[i] += at.Sub(j[max(0, i-1)])
			sinceStart[i] += at.Sub(j[0])
		}
	}
	rows := make([]map[string]any, len(steps))
	for i, name := range steps {
		rows[i] = map[string]any{
			"event": name, "goal": name, "count": counts[i],
			"step_conv_ratio":     part(counts[i], counts[max(0, i-1)]),
			"overall_conv_ratio":  part(counts[i], counts[0]),
			"avg_time":            mean(sinceStep[i], counts[i]),
			"avg_time_from_start": mean(sinceStart[i], counts[i]),
		}
	}
	rows[0]["avg_time"], rows[0]["avg_time_from_start"] = nil, nil // null, as in Mixpanel's OpenAPI description
	return map[string]any{
		"steps": rows,
		"analysis": map[string]any{
			"completion": counts[len(counts)-1], "starting_amount": counts[0], "steps": len(steps),
		},
	}
}

// part returns n/all, 0 if all is 0.
func part(n, all int) float64 {
	if all == 0 {
		return 0
	}
	return float64(n) / float64(all)
}

// mean returns whole seconds.
func mean(sum time.Duration, n int) int64 {
	if n == 0 {
		return 0
	}
	return int64(sum / time.Duration(n) / time.Second)
}
