package workspace_test

import (
	"errors"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// The columns of events like Mixpanel's match the JSON of the same rows, whether they were filled during the load or
// afterwards.
func TestPromotedPropertiesOfAFetch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 1000}, nil)
	all, err := storage.ParsePromotions(`$browser,$browser_version:BIGINT,$city,plan,is_member:BOOLEAN,$current_url,title,note,$referrer,order_ref:BIGINT,
		price:DOUBLE,balance:DOUBLE,score:DOUBLE,mass,tags,cart,mp_processing_time_ms:BIGINT,time:TIMESTAMP,$insert_id`)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Promote(t.Context(), "events", all, 0); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Promote without a database = %v, want %v", err, storage.ErrNotFound)
	}
	first, second := days(t, "2026-11-10", "2026-11-11"), days(t, "2026-11-11", "2026-11-12")
	f.must(t, workspace.FetchRequest{Table: "events", Days: first, Promote: all[:9]})
	f.must(t, workspace.FetchRequest{Table: "events", Days: second, Promote: all[5:12], Mode: workspace.Append})
	for range 2 {
		if err := f.Promote(t.Context(), "events", all, 0); err != nil {
			t.Fatal(err)
		}
	}
	f.must(t, workspace.FetchRequest{Table: "events", Days: second})
	var differs []string
	for _, p := range all {
		text := "(properties ->> '/" + p.Property + "')"
		if p.Property == "time" {
			text = "make_timestamp(" + text + "::BIGINT * 1000000)"
		}
		differs = append(differs, `"`+p.Property+`" IS DISTINCT FROM TRY_CAST(`+text+" AS "+string(p.Type)+")")
	}
	if n := f.text(t, "SELECT count(*) FROM events WHERE "+strings.Join(differs, " OR ")); n != "0" {
		t.Errorf("%s rows differ from their JSON", n)
	}
	if n := f.text(t, "SELECT count(*) FROM events WHERE time = event_time AND plan IS NOT NULL AND mass = '6.02e23'"); n != "3000" {
		t.Errorf("%s rows hold what all should hold, want 3000", n)
	}
	f.must(t, workspace.FetchRequest{Table: "events", Days: first, Mode: workspace.Replace})
	if n := f.text(t, `SELECT count("$city") || ' ' || count(price) FROM events`); n != "2000 2000" {
		t.Errorf("a table that was replaced has %s cities and prices, want 2000 of each", n)
	}
}

// An invalid promotion is rejected before the first request.
func TestPromotionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 10}, nil)
	_, err := f.request(t, workspace.FetchRequest{
		Table: "events", Days: days(t, "2026-11-10", "2026-11-10"), Promote: []storage.Promotion{{Property: "Day", Type: "DATE"}},
	})
	if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("FetchEvents = %v, want a usage error with a hint", err)
	}
	if n := len(f.asked()); n > 0 {
		t.Errorf("%d days were asked for", n)
	}
}
