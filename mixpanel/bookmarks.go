package mixpanel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// Bookmark is a saved report of a project.
type Bookmark struct {
	ID          int64
	Name        string
	Type        string // such as insights, funnels, retention, flows
	Description string
	Created     string // in Mixpanel's form
	Modified    string // in Mixpanel's form
	Creator     string
	Dashboard   string          // ID of the board that contains it; "" if unknown
	Raw         json.RawMessage // the exact text
}

// Bookmarks returns the saved reports of a project of a given type, or all for "". Mixpanel does not document the
// endpoint; the mixpanel_data project found that it exists and accepts v=2 and type. For errors, see
// [Client.EventNames].
func (c *Client) Bookmarks(ctx context.Context, project int64, kind string) ([]Bookmark, error) {
	p := newParams(project)
	p.Set("v", "2")
	p.optional("type", kind)
	return ask(ctx, c, c.app("bookmarks", p), p, readBookmarks)
}

func readBookmarks(answer []byte) ([]Bookmark, error) {
	object, err := decode[struct {
		Results *[]json.RawMessage `json:"results"`
	}](answer)
	if err == nil && object.Results == nil {
		err = notUnderstood(errors.New("no results"))
	}
	if err != nil {
		return nil, err
	}
	return readElements(*object.Results, readBookmark)
}

func readBookmark(raw json.RawMessage) (Bookmark, string, error) {
	var sent struct {
		ID          int64     `json:"id"`
		Name        looseText `json:"name"`
		Type        looseText `json:"type"`
		Description looseText `json:"description"`
		Created     looseText `json:"created"`
		Modified    looseText `json:"modified"`
		Creator     looseText `json:"creator_name"`
		Dashboard   looseText `json:"dashboard_id"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return Bookmark{}, "", err
	}
	key, err := idKey(sent.ID)
	return Bookmark{
		sent.ID, string(sent.Name), string(sent.Type), string(sent.Description), string(sent.Created), string(sent.Modified),
		string(sent.Creator), string(sent.Dashboard), raw,
	}, key, err
}

// SavedReport is the current result of a saved report.
type SavedReport struct {
	ComputedAt string          // in Mixpanel's form
	From, To   string          // in Mixpanel's form
	Headers    []string        // the levels of Series
	Series     json.RawMessage // the exact text
	Raw        json.RawMessage // the exact text of the response
}

// SavedReport runs a saved Insights report. The id is that of a [Bookmark]. For errors, see [Client.EventNames].
func (c *Client) SavedReport(ctx context.Context, project, bookmark int64) (SavedReport, error) {
	p := newParams(project)
	if bookmark <= 0 {
		p.refuse("%d is not a report id", bookmark)
	}
	p.Set("bookmark_id", strconv.FormatInt(bookmark, 10))
	return query(ctx, c, "insights", p, readSavedReport)
}

func readSavedReport(answer []byte) (SavedReport, error) {
	sent, err := decode[struct {
		ComputedAt looseText `json:"computed_at"`
		DateRange  struct {
			From looseText `json:"from_date"`
			To   looseText `json:"to_date"`
		} `json:"date_range"`
		Headers []string        `json:"headers"`
		Series  json.RawMessage `json:"series"`
	}](answer)
	if err == nil && (sent.Series == nil || string(sent.Series) == "null") {
		err = notUnderstood(errors.New("no series"))
	}
	if err != nil {
		return SavedReport{}, err
	}
	return SavedReport{string(sent.ComputedAt), string(sent.DateRange.From), string(sent.DateRange.To), sent.Headers, sent.Series, answer}, nil
}

// LookupTable is a table with which Mixpanel enriches events.
type LookupTable struct {
	ID   string
	Name string
	Raw  json.RawMessage // the exact text
}

// LookupTables returns the lookup tables of a project, without their content: Mixpanel's Ingestion API lists the
// tables but does not return their rows. For errors, see [Client.EventNames].
func (c *Client) LookupTables(ctx context.Context, project int64) ([]LookupTable, error) {
	return ask(ctx, c, endpoint{http.MethodGet, "lookup-tables", c.lookupURL, "", free}, newParams(project), readResults(readLookupTable))
}

func readLookupTable(raw json.RawMessage) (LookupTable, string, error) {
	var sent struct {
		ID   looseText `json:"id"`
		Name looseText `json:"name"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return LookupTable{}, "", err
	}
	if sent.ID == "" {
		return LookupTable{}, "", errors.New("no id")
	}
	return LookupTable{string(sent.ID), string(sent.Name), raw}, string(sent.ID), nil
}
