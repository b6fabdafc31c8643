package mixpanel

import (
	"context"
	"encoding/json"
	"strings"

	"mixduck/internal/day"
)

// Annotation is a note at a point in time.
type Annotation struct {
	ID          int64
	Date        string // in Mixpanel's form, in the project's zone: 2026-10-01 10:00:00
	Description string
	User        string   // first and last name of the author; "" if unknown
	UserID      string   // "" if unknown
	Tags        []string // their names
	Raw         json.RawMessage
}

// Annotations returns the annotations of the days, or all if days is the zero Range. The names are those of Mixpanel's
// OpenAPI description of the Annotations API. For errors, see [Client.EventNames].
func (c *Client) Annotations(ctx context.Context, project int64, days day.Range) ([]Annotation, error) {
	p := newParams(project)
	if days != (day.Range{}) {
		p.days(days)
		p.Set("fromDate", p.Get("from_date"))
		p.Set("toDate", p.Get("to_date"))
		p.Del("from_date")
		p.Del("to_date")
	}
	return ask(ctx, c, c.app("annotations", p), p, readResults(readAnnotation))
}

func readAnnotation(raw json.RawMessage) (Annotation, string, error) {
	var sent struct {
		ID          int64     `json:"id"`
		Date        looseText `json:"date"`
		Description looseText `json:"description"`
		User        *struct {
			ID        looseText `json:"id"`
			FirstName looseText `json:"first_name"`
			LastName  looseText `json:"last_name"`
		} `json:"user"`
		Tags []struct {
			Name looseText `json:"name"`
		} `json:"tags"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return Annotation{}, "", err
	}
	a := Annotation{ID: sent.ID, Date: string(sent.Date), Description: string(sent.Description), Raw: raw}
	if u := sent.User; u != nil {
		a.User, a.UserID = strings.TrimSpace(string(u.FirstName+" "+u.LastName)), string(u.ID)
	}
	for _, tag := range sent.Tags {
		a.Tags = append(a.Tags, string(tag.Name))
	}
	key, err := idKey(sent.ID)
	return a, key, err
}
