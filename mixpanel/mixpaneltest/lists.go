package mixpaneltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ok is the form of the answers of the application API and of the Ingestion API.
func ok(results any) map[string]any { return map[string]any{"status": "ok", "results": results} }

// cohortList answers the cohorts.
func (c *call) cohortList() (any, error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.project.savedCohorts(), nil
}

// annotationList answers the annotations, those of the days if days were given.
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

// schemas answers Lexicon.
func (c *call) schemas() (any, error) { return ok(orEmpty(c.savedNow().lexicon.items)), nil }

// bookmarks answers the saved reports, those of the type that was asked for.
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

// lookupTables answers the lookup tables.
func (c *call) lookupTables() (any, error) {
	return map[string]any{"code": 200, "status": "OK", "results": orEmpty(c.savedNow().lookups.items)}, nil
}

// insights answers what a saved report says.
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

// hiddenEvents returns the events that are hidden in Lexicon: they are in exports, but not in the lists of events.
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

// savedNow returns what is saved now.
func (c *call) savedNow() saved {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.project.saved
}

// orEmpty returns items, and an empty list for none, since null would be something else.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
