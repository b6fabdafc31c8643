package mixpaneltest

import (
	"encoding/json"
	"fmt"
	"time"
)

// SampleGroup is the ID of the group that [Sample] makes. It is above 2^63, as the IDs of Mixpanel's groups can be.
const SampleGroup = "9223372036854775817"

// Sample returns p with sample data of every kind: user profiles with the IDs that a [Generator] uses in events,
// companies, cohorts, annotations, Lexicon entries, saved reports, lookup tables and funnels. The data depends only on
// seed and profiles.
func Sample(p Project, seed uint64, profiles int) Project {
	p.Profiles = People{Seed: seed, Count: profiles}
	p.Groups = []Group{{Key: "company", ID: SampleGroup, Profiles: People{Seed: seed + 1, Count: max(1, profiles/20), Prefix: "company-"}}}
	created := func(days int) string { return firstSeen.AddDate(0, 0, days).Format(time.DateTime) }
	p.Cohorts = []Cohort{
		{ID: 101, Name: "Power users", Description: "Users who come back every week", Created: created(3), Every: 10},
		{ID: 102, Name: "Newsletter", Created: created(40), Every: 3, Members: []string{"subscriber without a profile"}},
		{ID: 103, Name: "Old import", Description: "Kept for reference", Created: created(41), Hidden: true},
		{ID: 104, Name: "Paying companies", Created: created(90), Group: SampleGroup, Every: 2},
	}
	p.Annotations = []Annotation{
		{
			ID: 201, Date: created(10), Description: "Launched the new checkout 🚀", User: &AnnotationUser{ID: 1, FirstName: "Ann", LastName: "Lee"},
			Tags: []AnnotationTag{{ID: 1, Name: "release"}},
		},
		{ID: 202, Date: created(60), Description: "Campaign “Frühling”", Tags: []AnnotationTag{{ID: 2, Name: "marketing"}, {ID: 3, Name: "germany"}}},
		{ID: 203, Date: created(200), Description: "Outage of the payment provider"},
	}
	p.Lexicon = sampleLexicon()
	p.Bookmarks = []Bookmark{
		{ID: 301, Name: "Searches and purchases", Type: "insights", Created: created(12), Series: sampleSeries(seed)},
		{ID: 302, Name: "Purchase funnel", Type: "funnels", Created: created(12)},
		{ID: 303, Name: "Weekly retention", Type: "retention", Created: created(13)},
	}
	p.LookupTables = []LookupTable{{ID: "3f1c0e4a-0000-4000-8000-000000000001", Name: "Products by SKU"}}
	p.Funnels = []Funnel{
		{ID: 1, Name: "Purchase", Steps: []string{"Page Viewed", "Product Viewed", "Purchase"}},
		{ID: 2, Name: "Search to cart", Steps: []string{"Search", "Item Added"}},
	}
	return p
}

// sampleLexicon describes all events of a Generator, and the profiles.
func sampleLexicon() []LexiconEntry {
	type metadata map[string]map[string]any
	var entries []LexiconEntry
	add := func(kind, name string, schema map[string]any) {
		text, err := json.Marshal(schema)
		if err != nil {
			panic(err) // texts and booleans have a JSON form
		}
		entries = append(entries, LexiconEntry{kind, name, text})
	}
	for i, name := range newVocabulary().events {
		add("event", name, map[string]any{
			"description": fmt.Sprintf("Sent when %q happens", name),
			"properties": map[string]any{
				"plan":      map[string]any{"type": "string", "description": "The plan at that time"},
				"price":     map[string]any{"type": "number"},
				"order_ref": map[string]any{"type": "integer", "metadata": metadata{"com.mixpanel": {"displayName": "Order", "hidden": true}}},
			},
			"metadata": metadata{"com.mixpanel": {"tags": []string{"sample"}, "hidden": i == 5, "dropped": false}},
		})
	}
	add("profile", "$user", map[string]any{
		"properties": map[string]any{
			"plan":        map[string]any{"type": "string", "description": "The plan now"},
			"Total Spent": map[string]any{"type": "number", "description": "In euros"},
		},
	})
	return entries
}

// sampleSeries is an Insights report about two weeks.
func sampleSeries(seed uint64) json.RawMessage {
	series := map[string]map[string]uint64{"Search": {}, "Purchase": {}}
	for week := range 2 {
		at := firstSeen.AddDate(0, 0, 7*week).Format("2006-01-02T15:04:05-07:00")
		series["Search"][at], series["Purchase"][at] = 9000+seed%100+uint64(week), 400+seed%10+uint64(week)
	}
	text, err := json.Marshal(series)
	if err != nil {
		panic(err) // numbers have a JSON form
	}
	return text
}
