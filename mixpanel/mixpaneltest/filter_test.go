package mixpaneltest_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	s := start(t, project(400))
	late := march1.Start(now.Location()).UnixMilli() + 40*3600*1000
	type row struct {
		Event      string
		Properties map[string]any
	}
	tests := []struct {
		name   string
		events []string
		where  string
		takes  func(row) bool
	}{
		{"one event", []string{"Purchase"}, "", func(r row) bool { return r.Event == "Purchase" }},
		{"two events", []string{"Search", "退会"}, "", func(r row) bool { return r.Event == "Search" || r.Event == "退会" }},
		{"unknown event", []string{"Nobody did that"}, "", func(row) bool { return false }},
		{"property", nil, `properties["plan"] == "pro"`, func(r row) bool { return r.Properties["plan"] == "pro" }},
		{"property with escapes", nil, `properties["title"] == "Home \"sweet\" home"`, func(r row) bool {
			return r.Properties["title"] == `Home "sweet" home`
		}},
		{
			"event and property",
			[]string{"Page Viewed"},
			`properties["plan"] == "pro"`,
			func(r row) bool { return r.Event == "Page Viewed" && r.Properties["plan"] == "pro" },
		},
		{
			"late arrivals", nil, `(number(properties["mp_processing_time_ms"]) > ` + strconv.FormatInt(late, 10) + `)`,
			func(r row) bool {
				at, ok := r.Properties["mp_processing_time_ms"].(float64)
				return ok && int64(at) > late
			},
		},
		{
			"late arrivals with a property", nil, `(properties["plan"] == "pro") and (number(properties["mp_processing_time_ms"]) > ` + strconv.FormatInt(late, 10) + `)`,
			func(r row) bool {
				at, ok := r.Properties["mp_processing_time_ms"].(float64)
				return ok && int64(at) > late && r.Properties["plan"] == "pro"
			},
		},
	}
	all := get(t, s, march1, march1).lines()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, line := range all {
				var r row
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				if tt.takes(r) {
					want = append(want, line)
				}
			}
			more := []string{}
			if tt.events != nil {
				names, err := json.Marshal(tt.events)
				if err != nil {
					t.Fatal(err)
				}
				more = append(more, "event", string(names))
			}
			if tt.where != "" {
				more = append(more, "where", tt.where)
			}
			got := get(t, s, march1, march1, more...).lines()
			if len(got) != len(want) {
				t.Errorf("%d lines, want %d", len(got), len(want))
			}
			ask := mixpaneltest.Ask{Project: 7, Days: day.Range{From: march1, To: march1}, Events: tt.events, Where: tt.where}
			truth, err := s.TruthOf(ask)
			if err != nil || len(truth.Rows) != len(want) {
				t.Errorf("truth has %d rows, want %d; %v", len(truth.Rows), len(want), err)
			}
		})
	}
}

func TestLimitCapsAllDaysTogether(t *testing.T) {
	t.Parallel()
	s := start(t, project(20))
	all := get(t, s, march1, march3).text
	got := get(t, s, march1, march3, "limit", "25")
	if n := len(got.lines()); n != 25 || all[:len(got.text)] != got.text {
		t.Errorf("%d lines, want the first 25", n)
	}
}
