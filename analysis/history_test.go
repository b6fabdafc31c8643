package analysis_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
)

// happened is an event as a person reads it from a line of an export.
type happened struct {
	event, id string
	at        time.Time // UTC
	day       day.Day   // of the project
	plan      *string
	device    string
	user      string

	anonymous, identified string // of $identify
}

// sentLine is a line of an export.
type sentLine struct {
	Event      string
	Properties struct {
		Time       int64
		ID         string `json:"distinct_id"`
		InsertID   string `json:"$insert_id"`
		Processed  int64  `json:"mp_processing_time_ms"`
		Plan       *string
		Device     string `json:"$device_id"`
		User       string `json:"$user_id"`
		Anonymous  string `json:"$anon_id"`
		Identified string `json:"$identified_id"`
	}
}

// readLines reads lines independently of the loader. Of lines of the same event, the one that was processed last counts.
// Zone is that of shifted times, or nil.
func readLines(tb testing.TB, lines []string, zone *time.Location) (all []happened) {
	tb.Helper()
	newest := map[string]sentLine{}
	for _, line := range lines {
		var e sentLine
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		p := e.Properties
		key := fmt.Sprintf("%q %q %d %q", e.Event, p.ID, p.Time, p.InsertID)
		if known, found := newest[key]; !found || known.Properties.Processed < p.Processed {
			newest[key] = e
		}
	}
	for _, e := range newest {
		p := e.Properties
		h := happened{
			event: e.Event, id: p.ID, at: time.Unix(p.Time, 0).UTC(), plan: p.Plan, device: p.Device, user: p.User,
			anonymous: p.Anonymous, identified: p.Identified,
		}
		h.day = day.Of(h.at) // of the wall clock, if there is a zone
		if zone != nil {
			h.at = time.Date(h.at.Year(), h.at.Month(), h.at.Day(), h.at.Hour(), h.at.Minute(), h.at.Second(), 0, zone).UTC()
		}
		all = append(all, h)
	}
	slices.SortStableFunc(all, func(a, b happened) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.event, b.event))
	})
	return all
}
