package mixpanel

import (
	"context"
	"encoding/json"
	"net/http"
)

// Cohort is a saved cohort of a project.
type Cohort struct {
	ID          int64
	Name        string
	Description string
	Created     string // in Mixpanel's form: 2026-10-01 10:00:00
	Count       int64  // number of members when Mixpanel last counted them
	Visible     bool
	Group       string          // ID of the group key of the members' profiles; "" for users
	Raw         json.RawMessage // the exact text
}

// Cohorts returns the cohorts of a project: POST cohorts/list. To get the members of one, use [EngageQuery]. For
// errors, see [Client.EventNames].
func (c *Client) Cohorts(ctx context.Context, project int64) ([]Cohort, error) {
	return ask(ctx, c, c.call(http.MethodPost, "cohorts/list"), newParams(project), readList(readCohort))
}

func readCohort(raw json.RawMessage) (Cohort, string, error) {
	var sent struct {
		ID          int64     `json:"id"`
		Name        looseText `json:"name"`
		Description looseText `json:"description"`
		Created     looseText `json:"created"`
		Count       int64     `json:"count"`
		Visible     looseBool `json:"is_visible"`
		Group       looseText `json:"data_group_id"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return Cohort{}, "", err
	}
	key, err := idKey(sent.ID)
	return Cohort{
		sent.ID, string(sent.Name), string(sent.Description), string(sent.Created), sent.Count, bool(sent.Visible), string(sent.Group), raw,
	}, key, err
}
