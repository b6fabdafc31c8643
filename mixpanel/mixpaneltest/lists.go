package mixpaneltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ok is the form of responses of the application API and of the Ingestion API.
func ok(results any) map[string]any { return map[string]any{"status": "ok", "results": results} }

// cohortList returns the cohorts.
func (c *call) cohortList() (any, error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.project.savedCohorts(), nil
}

// annotationList returns the annotations, limited to the days if given.
func (c *call) annotationList() (any, error) {
	found := []Annotation{}
	for _, a := range c.savedNow().annotations.items {
		date, _, _ := strings.Cut(a.Date, " ")
		if !c.dated || c.days.From.String() <= date && date <= c.days.To.String() {
			found = append(found, a)
		}
	}
	return ok(found), nil
}

// schemas returns Lexicon.
func (c *call) schemas() (any, error) { return ok(orEmpty(c.savedNow().lexicon.items)), nil }

// bookmarks returns the saved reports, limited to the requested type.
func (c *call) bookmarks() (any, error) {
	if c.version != "2" {
		return nil, fmt.Errorf("this stand-in knows version 2 only, not %q", c.version)
	}
	found := []map[string]any{}
	for _, b := range c.savedNow().bookmarks.items {
		if c.report == "" || b.Type == c.report {
			found = append(found, map[string]any{
				"id": b.ID, "name": b.Name, "type": b.Type, "created": b.Created, "project_id": c.project.ID, "workspace_id": nil,
			})
		}
	}
	return map[string]any{"results": found}, nil
}

// lookupTables returns the lookup tables.
func (c *call) lookupTables() (any, error) {
	return map[string]any{"code": 200, "status": "OK", "results": orEmpty(c.savedNow().lookups.items)}, nil
}

// insights returns the result of a saved report.
func (c *call) insights() (any, error) {
	for _, b := range c.savedNow().bookmarks.items {
		if b.ID == c.bookmark && b.Type == "insights" {
			series := b.Series
			if len(series) == 0 {
				series = json.RawMessage("{}")
			}
			return map[string]any{
				"computed_at": c.server.now().UTC().Format("2006-01-02T15:04:05.000000+00:00"),
				"date_range":  map[string]string{"from_date": c.days.From.String() + "T00:00:00+00:00", "to_date": c.days.To.String() + "T23:59:59.999000+00:00"},
				"headers":     []string{"$event"}, "series": series,
			}, nil
		}
	}
	return nil, fmt.Errorf("there is no report %d of Insights", c.bookmark)
}

// hiddenEvents returns the events that are hidden in Lexicon: exports contain them, but lists of events do not.
func (c *call) hiddenEvents() map[string]bool {
	hidden := make(map[string]bool)
	for _, e := range c.savedNow().lexicon.items {
		var schema struct {
			Metadata struct {
				Mixpanel struct {
					Hidden bool `json:"hidden"`
				} `json:"com.mixpanel"`
			} `json:"metadata"`
		}
		if e.Kind == "event" && json.Unmarshal(e.Schema, &schema) == nil && schema.Metadata.Mixpanel.Hidden {
			hidden[e.Name] = true
		}
	}
	return hidden
}

// savedNow returns the currently saved data.
func (c *call) savedNow() saved {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.project.saved
}

// orEmpty returns items, or an empty list for nil, because null would mean something else.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
