package mixpanel

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mixduck/internal/fault"
)

// EngageQuery selects profiles, and a page of them. Names and rules come from Mixpanel's OpenAPI description of the Query API, unless
// another source is named.
type EngageQuery struct {
	Project int64
	// Where is a condition as described in Mixpanel's reference of segmentation expressions; "" means none.
	Where string
	// OutputProperties are the names of the properties to return; empty means all.
	OutputProperties []string
	// DistinctID selects one profile, DistinctIDs up to 2,000 (the limit documented by mixpanel_data). Set at most one
	// of them, and neither with Cohort: Mixpanel does not document that combination, so this client rejects it.
	DistinctID  string
	DistinctIDs []string
	// Group is the ID of a group key, for the profiles of groups instead of users. It is text, because it can exceed
	// 2^53.
	Group string
	// Cohort selects the members of the cohort with this ID; 0 means no cohort. It cannot be combined with Behaviors.
	Cohort int64
	// OmitUsersWithoutProfile omits members of Cohort that have no profile. It needs Cohort.
	OmitUsersWithoutProfile bool
	// Behaviors is a JSON array of event selectors that Where can use. It needs AsOf for more than one page.
	Behaviors string
	// AsOf is the time at which Behaviors are evaluated, in whole seconds; zero means now. It needs Behaviors.
	AsOf time.Time

	// Page is the number of the page, from 0. All pages except 0 need the SessionID from the response for page 0, and
	// the same query.
	Page      int64
	SessionID string
}

const maxDistinctIDs = 2000

// EngagePage requests a page of profiles and returns the body when the headers have arrived; the caller must close it.
// answer.Page parses the text. EngagePage waits while five calls of the Query API are running for the project, as many
// as Mixpanel allows. A body that is not closed counts as running.
//
// Errors name the call and wrap an [*Error], or the cause with which ctx ended. [ReasonSession] means that the session
// has expired: start again at page 0.
func (c *Client) EngagePage(ctx context.Context, q EngageQuery) (*Body, error) {
	body, err := c.engage(ctx, q)
	if err != nil {
		return nil, fault.New(fault.CodeOf(err), queryHint(err, queryLimit), "query engage: %w", err)
	}
	return body, nil
}

func (c *Client) engage(ctx context.Context, q EngageQuery) (*Body, error) {
	form := q.form()
	if form.err != nil {
		return nil, form.err
	}
	leave, err := c.queries.enter(ctx, q.Project)
	if err != nil {
		return nil, err
	}
	ctx, watch := newWatchdog(ctx)
	target := c.queryURL + "/engage?" + url.Values{"project_id": form.Values["project_id"]}.Encode()
	form.Del("project_id")
	body, err := c.send(ctx, watch, request{http.MethodPost, target, form.Values})
	if err != nil {
		watch.release(nil)
		leave()
		return nil, err
	}
	body.leave = leave
	return body, nil
}

// form returns the parameters. The project's ID is in the URL, all others are in the body.
func (q EngageQuery) form() *params {
	p := newParams(q.Project)
	q.exclude(p)
	p.optional("where", q.Where)
	p.optional("distinct_id", q.DistinctID)
	if len(q.DistinctIDs) > 0 {
		p.texts("distinct_ids", "distinct id", q.DistinctIDs)
	}
	if len(q.OutputProperties) > 0 {
		p.texts("output_properties", "property name", q.OutputProperties)
	}
	p.optional("data_group_id", q.Group)
	if q.Cohort != 0 {
		p.Set("filter_by_cohort", `{"id":`+strconv.FormatInt(q.Cohort, 10)+`}`)
	}
	if q.OmitUsersWithoutProfile {
		p.Set("include_all_users", "false")
	}
	p.optional("behaviors", q.Behaviors)
	if !q.AsOf.IsZero() {
		p.Set("as_of_timestamp", strconv.FormatInt(q.AsOf.Unix(), 10))
	}
	if q.SessionID != "" {
		p.optional("session_id", q.SessionID)
		p.Set("page", strconv.FormatInt(q.Page, 10))
	}
	return p
}

// exclude rejects invalid combinations.
func (q EngageQuery) exclude(p *params) {
	var behaviors []json.RawMessage
	switch {
	case q.DistinctID != "" && len(q.DistinctIDs) > 0:
		p.refuse("use either distinct_id or distinct_ids, not both")
	case len(q.DistinctIDs) > maxDistinctIDs:
		p.refuse("too many distinct ids: %d, the maximum is %d", len(q.DistinctIDs), maxDistinctIDs)
	case q.Cohort != 0 && (q.DistinctID != "" || len(q.DistinctIDs) > 0):
		p.refuse("a cohort cannot be combined with distinct ids")
	case q.Cohort != 0 && q.Behaviors != "":
		p.refuse("a cohort cannot be combined with behaviors")
	case q.Cohort < 0:
		p.refuse("%d is not a cohort id", q.Cohort)
	case q.OmitUsersWithoutProfile && q.Cohort == 0:
		p.refuse("include_all_users needs a cohort")
	case !q.AsOf.IsZero() && q.Behaviors == "":
		p.refuse("as_of_timestamp needs behaviors")
	case q.Behaviors != "" && json.Unmarshal([]byte(q.Behaviors), &behaviors) != nil:
		p.refuse("the behaviors are not a JSON array")
	case q.Behaviors != "" && q.AsOf.IsZero() && q.Page > 0:
		p.refuse("behaviors need as_of_timestamp for all pages but the first")
	case q.Page < 0:
		p.refuse("the page %d is negative", q.Page)
	case q.Page == 0 && q.SessionID != "":
		p.refuse("page 0 starts a session, so it must not have a session id")
	case q.Page > 0 && q.SessionID == "":
		p.refuse("page %d needs the session id from the response for page 0", q.Page)
	}
}

// SeenSince returns a condition for profiles whose $last_seen is not before t; if where is not "", it must hold too.
// Mixpanel writes $last_seen in whole seconds and without a zone; other tools that request changed profiles (Airbyte,
// ingestr) compare it as text in UTC. Profiles without the property do not match.
func SeenSince(t time.Time, where string) string {
	seen := `properties["$last_seen"] >= "` + t.UTC().Format("2006-01-02T15:04:05") + `"`
	if where == "" {
		return seen
	}
	return "(" + where + ") and (" + seen + ")"
}
