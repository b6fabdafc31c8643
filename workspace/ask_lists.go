package workspace

import (
	"context"

	"mixduck/mixpanel"
)

func eventNames(ctx context.Context, a *asker) (*Answer, error) {
	names, err := request(ctx, a, func() ([]string, error) { return a.source.EventNames(ctx, a.project, a.limit()) })
	found := newAnswer("name", "VARCHAR")
	for _, name := range names {
		found.add(name)
	}
	return found, err
}

func topEvents(ctx context.Context, a *asker) (*Answer, error) {
	top, err := request(ctx, a, func() ([]mixpanel.TopEvent, error) {
		return a.source.TopEvents(ctx, a.project, a.analysis(), a.limit())
	})
	found := newAnswer("event", "VARCHAR", "amount", "", "percent_change", "DOUBLE")
	for _, e := range top {
		found.add(e.Event, e.Amount, e.PercentChange)
	}
	return found.count("amount", a.analysis()), err
}

func eventProperties(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.PropertyCount, error) {
		return a.source.EventProperties(ctx, a.project, a.Text("event"), a.limit())
	})
	found := newAnswer("name", "VARCHAR", "count", "BIGINT")
	for _, p := range all {
		found.add(p.Name, p.Count)
	}
	return found, err
}

func propertyValues(ctx context.Context, a *asker) (*Answer, error) {
	values, err := request(ctx, a, func() ([]string, error) {
		return a.source.PropertyValues(ctx, a.project, a.Text("event"), a.Text("property"), a.limit())
	})
	found := newAnswer("value", "VARCHAR")
	for _, v := range values {
		found.rows = append(found.rows, map[string]any{"value": v}) // an empty text is a value
	}
	return found, err
}

func cohortList(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.Cohort, error) { return a.source.Cohorts(ctx, a.project) })
	found := newAnswer("id", "BIGINT", "name", "VARCHAR", "description", "VARCHAR", "created", "VARCHAR", "count", "BIGINT",
		"is_visible", "BOOLEAN", "data_group_id", "VARCHAR")
	for _, c := range all {
		found.add(c.ID, c.Name, c.Description, c.Created, c.Count, c.Visible, c.Group)
	}
	return found, err
}

func funnelList(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.SavedFunnel, error) { return a.source.FunnelList(ctx, a.project) })
	found := newAnswer("id", "BIGINT", "name", "VARCHAR")
	for _, f := range all {
		found.add(f.ID, f.Name)
	}
	return found, err
}

func reportList(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.Bookmark, error) { return a.source.Bookmarks(ctx, a.project, a.Text("type")) })
	found := newAnswer("id", "BIGINT", "name", "VARCHAR", "type", "VARCHAR", "description", "VARCHAR", "created", "VARCHAR",
		"modified", "VARCHAR", "creator_name", "VARCHAR", "dashboard_id", "VARCHAR")
	for _, b := range all {
		found.add(b.ID, b.Name, b.Type, b.Description, b.Created, b.Modified, b.Creator, b.Dashboard)
	}
	return found, err
}

func annotationList(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.Annotation, error) { return a.source.Annotations(ctx, a.project, a.Days) })
	found := newAnswer("id", "BIGINT", "date", "VARCHAR", "description", "VARCHAR", "user_name", "VARCHAR", "user_id", "VARCHAR", "tags", "JSON")
	for _, n := range all {
		found.add(n.ID, n.Date, n.Description, n.User, n.UserID, jsonList(n.Tags))
	}
	return found, err
}

func (a *asker) lexicon(ctx context.Context) ([]mixpanel.LexiconEntry, error) {
	return request(ctx, a, func() ([]mixpanel.LexiconEntry, error) { return a.source.Lexicon(ctx, a.project) })
}

func lexiconEntries(ctx context.Context, a *asker) (*Answer, error) {
	all, err := a.lexicon(ctx)
	found := newAnswer("kind", "VARCHAR", "name", "VARCHAR", "display_name", "VARCHAR", "description", "VARCHAR", "tags", "JSON",
		"hidden", "BOOLEAN", "dropped", "BOOLEAN", "source", "VARCHAR", "contacts", "JSON", "team_contacts", "JSON", "properties", "BIGINT")
	for _, e := range all {
		found.add(e.Kind, e.Name, e.DisplayName, e.Description, jsonList(e.Tags), e.Hidden, e.Dropped, e.Source, jsonList(e.Contacts),
			jsonList(e.TeamContacts), len(e.Properties))
	}
	return found, err
}

func lexiconProperties(ctx context.Context, a *asker) (*Answer, error) {
	all, err := a.lexicon(ctx)
	found := newAnswer("kind", "VARCHAR", "entity", "VARCHAR", "name", "VARCHAR", "type", "VARCHAR", "display_name", "VARCHAR",
		"description", "VARCHAR", "hidden", "BOOLEAN", "dropped", "BOOLEAN")
	for _, e := range all {
		for _, p := range e.Properties {
			found.add(e.Kind, e.Name, p.Name, p.Type, p.DisplayName, p.Description, p.Hidden, p.Dropped)
		}
	}
	return found, err
}

func lookupTables(ctx context.Context, a *asker) (*Answer, error) {
	all, err := request(ctx, a, func() ([]mixpanel.LookupTable, error) { return a.source.LookupTables(ctx, a.project) })
	found := newAnswer("id", "VARCHAR", "name", "VARCHAR")
	for _, t := range all {
		found.add(t.ID, t.Name)
	}
	return found, err
}

// jsonList returns the texts as a list, never null.
func jsonList(texts []string) []string { return append([]string{}, texts...) }
