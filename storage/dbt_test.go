package storage_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// fivetranEvent are the columns that Fivetran's package dbt_mixpanel reads from the table event, with the types it needs.
const fivetranEvent = `_fivetran_id varchar, event_id varchar, name varchar, time timestamp, distinct_id varchar,
	distinct_id_before_identity varchar, insert_id varchar, properties varchar, _fivetran_synced timestamp,
	initial_referring_domain varchar, initial_referrer varchar, referrer varchar, referring_domain varchar, current_url varchar,
	browser varchar, search_engine varchar, device varchar, app_build_number varchar, os varchar, os_version varchar,
	lib_version varchar, manufacturer varchar, carrier varchar, model varchar, app_version_string varchar,
	ae_session_length varchar, radio varchar, bluetooth_version varchar, brand varchar, google_play_services varchar,
	city varchar, region varchar, device_id varchar, mp_country_code varchar, mp_keyword varchar, mp_lib varchar,
	mp_processing_time_ms bigint, browser_version bigint, screen_width bigint, screen_height bigint, screen_dpi bigint,
	wifi boolean, bluetooth_enabled boolean, has_nfc boolean, has_telephone boolean`

// fivetranPeople are frequent columns of Fivetran's table people.
const fivetranPeople = `distinct_id varchar, name varchar, first_name varchar, last_name varchar, email varchar, phone varchar,
	city varchar, region varchar, country_code varchar, timezone varchar, created timestamp, last_seen timestamp,
	properties varchar, _fivetran_synced timestamp`

// split returns the columns of a list.
func split(list string) (all []string) {
	for column := range strings.SplitSeq(list, ",") {
		all = append(all, strings.TrimSpace(column))
	}
	return all
}

// contracts returns the columns of the dbt models, by model.
func contracts(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../deploy/dbt/models/mixpanel/models.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Models []struct {
			Name    string
			Columns []struct {
				Name string
				Type string `yaml:"data_type"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, m := range file.Models {
		for _, c := range m.Columns {
			all[m.Name] = append(all[m.Name], c.Name+" "+c.Type)
		}
	}
	return all
}

var (
	dbtSource   = regexp.MustCompile(`\{\{ source\('mixduck_compat', '(\w+)'\) \}\}`)
	dbtVariable = regexp.MustCompile(`\{\{ var\("mixduck_time_zone"\) \}\}`)
)

// dbtModel returns the SELECT of a model, as dbt renders it for a time zone.
func dbtModel(t *testing.T, name, zone string) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/dbt/models/mixpanel/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	model := dbtVariable.ReplaceAllLiteralString(dbtSource.ReplaceAllString(string(text), "compat.$1"), zone)
	if strings.Contains(model, "{{") {
		t.Fatalf("dbt has more to fill in here:\n%s", model)
	}
	return model
}

// The models of the dbt package have Fivetran's columns and types, on every database. A test in e2e builds them with dbt.
func TestDbtModelsHaveFivetransColumns(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	without := event(first, 7, "", `,"n":1`) + event(first, 7, "", `,"n":2`)
	load(t, e, window(span(0, 1), hotEvents()+without))
	refreshProfiles(t, e, true, now, `{"$name":"Ada","$created":"2026-01-02T03:04:05"}`)
	refreshProfiles(t, e, true, now.Add(time.Hour), `{"$name":"Eve","$created":"2026-01-02T03:04:05"}`)
	closeEngine(t, e)
	for name, list := range map[string]string{"event": fivetranEvent, "people": fivetranPeople} {
		want(t, "contract of "+name, contracts(t)[name], split(list))
		described := query(t, path, "SELECT column_name || ' ' || lower(column_type) FROM (DESCRIBE "+dbtModel(t, name, "UTC")+")")
		want(t, "columns of "+name, described, split(list))
	}
	want(t, "events", query(t, path, `SELECT name, city, screen_width, wifi, "time" FROM (`+dbtModel(t, "event", "Asia/Kolkata")+`) WHERE insert_id = 'a'`),
		[]string{"e|Köln|1024|true|" + query(t, path, "SELECT event_time + INTERVAL 330 MINUTE FROM events WHERE insert_id = 'a'")[0]})
	// dbt_mixpanel would count events without an ID once per user, name and day.
	want(t, "IDs", query(t, path, "SELECT count(*), count(insert_id), count(DISTINCT insert_id), count(DISTINCT _fivetran_id) FROM ("+dbtModel(t, "event", "UTC")+")"),
		[]string{"5|5|5|5"})
	want(t, "people", query(t, path, "SELECT name, created FROM ("+dbtModel(t, "people", "UTC")+")"), []string{"Eve|2026-01-02 03:04:05"})
}
