package mixpaneltest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestTruthOfEachFault(t *testing.T) {
	t.Parallel()
	// Two days of 100 events each; every tenth row is affected.
	const rows, tenth = 200, 20
	tests := []struct {
		kind                                   mixpaneltest.Kind
		rows, duplicates, quarantined, changed int
	}{
		{mixpaneltest.Reordered, rows, 0, 0, 0},
		{mixpaneltest.Rekeyed, rows, 0, 0, tenth},
		{mixpaneltest.LateRows, rows - tenth, 0, 0, 0},
		{mixpaneltest.ExactDuplicates, rows, tenth, 0, 0},
		{mixpaneltest.NewerDuplicates, rows, tenth, 0, tenth},
		{mixpaneltest.MissingInsertID, rows, 0, 0, tenth},
		{mixpaneltest.EmptyInsertID, rows, 0, 0, tenth},
		{mixpaneltest.MissingDistinct, rows, 0, 0, tenth},
		{mixpaneltest.EmptyDistinct, rows, 0, 0, tenth},
		{mixpaneltest.HotShard, rows, 0, 0, tenth},
		{mixpaneltest.NotJSON, rows, 0, tenth, 0},
		{mixpaneltest.NotEvents, rows, 0, tenth, 0},
		{mixpaneltest.InvalidUTF8, rows, 0, tenth, 0},
		{mixpaneltest.LoneSurrogates, rows, 0, tenth, 0},
		{mixpaneltest.DeeplyNested, rows, 0, tenth, 0},
		{mixpaneltest.LongLine, rows + 2, 0, 0, 2},
		{mixpaneltest.TiedDuplicates, rows, tenth, 0, tenth / 2}, // the larger text alternates between the two
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			p := project(100)
			p.Data = filled(t, p) // must not be served unchanged
			s := start(t, p)
			f := mixpaneltest.Fault{Kind: tt.kind}
			if tt.kind == mixpaneltest.LongLine {
				f.LineBytes = 1 << 20
			}
			inject(t, s, f)
			days := day.Range{From: march1, To: march1 + 1}
			got := get(t, s, days.From, days.To)
			if got.status != 200 || got.err != nil {
				t.Fatalf("status %d, %v", got.status, got.err)
			}
			truth := truthOf(t, s, days)
			if len(truth.Rows) != tt.rows || truth.Duplicates != tt.duplicates || len(truth.Quarantined) != tt.quarantined {
				t.Errorf("%d rows, %d duplicates, %d quarantined; want %d, %d, %d", len(truth.Rows), truth.Duplicates,
					len(truth.Quarantined), tt.rows, tt.duplicates, tt.quarantined)
			}
			changed := 0
			for _, row := range truth.Rows {
				if row.Changed {
					changed++
				}
			}
			if changed != tt.changed {
				t.Errorf("%d rows are changed, want %d", changed, tt.changed)
			}
			agree(t, truth, got.lines())
		})
	}
}

func truthOf(t *testing.T, s *mixpaneltest.Server, days day.Range) mixpaneltest.Truth {
	t.Helper()
	truth, err := s.Truth(7, days)
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

// agree checks that the truth contains nothing that the lines do not.
func agree(t *testing.T, truth mixpaneltest.Truth, lines []string) {
	t.Helper()
	if truth.Received != len(lines) || truth.Received != len(truth.Rows)+truth.Duplicates+len(truth.Quarantined) {
		t.Errorf("%d lines: received %d = %d rows + %d duplicates + %d quarantined", len(lines), truth.Received,
			len(truth.Rows), truth.Duplicates, len(truth.Quarantined))
	}
	sent := make(map[string]int)
	for _, line := range lines {
		sent[line]++
		// The rest of the line is the text of properties and a closing brace.
		if _, properties, ok := strings.Cut(line, `"properties":`); ok {
			sent[strings.TrimSuffix(properties, "}")]++
		}
	}
	for _, line := range truth.Quarantined {
		if sent[line]--; sent[line] < 0 {
			t.Errorf("quarantined line was not sent: %.200q", line)
		}
	}
	for _, row := range truth.Rows {
		if sent[row.Properties] == 0 {
			t.Errorf("properties were not sent: %.200q", row.Properties)
		}
		if !utf8.ValidString(row.Properties) || !json.Valid([]byte(row.Properties)) {
			t.Errorf("properties are no JSON: %.200q", row.Properties)
		}
	}
}

func TestAllFaultsOfTheDataTogether(t *testing.T) {
	t.Parallel()
	s := start(t, project(100))
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.MissingInsertID, mixpaneltest.ExactDuplicates, mixpaneltest.NewerDuplicates, mixpaneltest.Rekeyed,
		mixpaneltest.HotShard, mixpaneltest.EmptyDistinct, mixpaneltest.NotJSON, mixpaneltest.NotEvents,
		mixpaneltest.InvalidUTF8, mixpaneltest.LoneSurrogates, mixpaneltest.DeeplyNested, mixpaneltest.Reordered,
	} {
		inject(t, s, mixpaneltest.Fault{Kind: kind, Every: 3 + len(kind)%5})
	}
	days := day.Range{From: march1, To: march3}
	first := get(t, s, march1, march3).lines()
	before := truthOf(t, s, days)
	agree(t, before, first)
	second := get(t, s, march1, march3).lines()
	if slices.Equal(first, second) {
		t.Error("two answers have the same order")
	}
	if diff := cmp.Diff(before, truthOf(t, s, days)); diff != "" {
		t.Errorf("the order of lines changes the truth (-before +after):\n%s", diff)
	}
}

func TestNewestDuplicateWins(t *testing.T) {
	t.Parallel()
	p := project(0)
	line := func(id string, processed int, more string) string {
		properties, err := json.Marshal(map[string]any{"time": 1740800000, "$insert_id": id, "mp_processing_time_ms": processed})
		if err != nil {
			t.Fatal(err)
		}
		return `{"event":"x","properties":` + strings.TrimSuffix(string(properties), "}") + more + `}}`
	}
	p.Data = mixpaneltest.Lines{march1: {
		line("a", 3, `,"n":"newest"`), line("a", 1, `,"n":"old"`), line("a", 2, ""),
		line("b", 5, `,"n":"lesser"`), line("b", 5, `,"n":"much"`), line("b", 5, `,"n":"middle"`),
		line("", 7, `,"n":1`), line("", 7, `,"n":1`), line("", 7, `,"n":2`),
	}}
	truth := truthOf(t, start(t, p), day.Range{From: march1, To: march1})
	var kept []string
	for _, row := range truth.Rows {
		_, n, _ := strings.Cut(row.Properties, `"n":`)
		kept = append(kept, row.InsertID+" "+strings.TrimSuffix(n, "}"))
	}
	slices.Sort(kept)
	if diff := cmp.Diff([]string{" 1", " 2", `a "newest"`, `b "much"`}, kept); diff != "" || truth.Duplicates != 5 {
		t.Errorf("%d duplicates; rows (-want +got):\n%s", truth.Duplicates, diff)
	}
}

func TestLateRowsArrive(t *testing.T) {
	t.Parallel()
	s := start(t, project(100))
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, FromRequest: 3})
	one, both := day.Range{From: march1, To: march1}, day.Range{From: march1, To: march1 + 1}
	for i, want := range []int{90, 90, 100, 100} {
		got := get(t, s, march1, march1).lines()
		if len(got) != want {
			t.Errorf("request %d: %d lines, want %d", i+1, len(got), want)
		}
		agree(t, truthOf(t, s, one), got)
	}
	// There were fewer requests for the other day.
	got := get(t, s, both.From, both.To).lines()
	if len(got) != 190 {
		t.Errorf("%d lines, want 190", len(got))
	}
	agree(t, truthOf(t, s, both), got)
	latest := march1.Start(now.Location()).UnixMilli() + 4*24*3600*1000
	late := 0
	for _, row := range truthOf(t, s, one).Rows {
		if row.Changed && row.ProcessedAtMS >= latest {
			late++
		}
	}
	if late != 10 {
		t.Errorf("%d rows arrived late, want 10", late)
	}
}

func TestRekeyedRowsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	s := start(t, project(50))
	days := day.Range{From: march1, To: march1}
	before := truthOf(t, s, days)
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.Rekeyed, Every: 1})
	after := truthOf(t, s, days)
	for i, row := range after.Rows {
		old := before.Rows[i]
		if row.Properties == old.Properties {
			t.Errorf("row %d has the same text", i)
		}
		if diff := cmp.Diff(meaning(t, old.Properties), meaning(t, row.Properties)); diff != "" {
			t.Errorf("row %d means something else:\n%s", i, diff)
		}
	}
}

func meaning(t *testing.T, text string) map[string]any {
	t.Helper()
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	var m map[string]any
	if err := in.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHotShardKeepsTheOriginal(t *testing.T) {
	t.Parallel()
	s := start(t, project(50))
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.HotShard})
	hot := 0
	for _, row := range truthOf(t, s, day.Range{From: march1, To: march1}).Rows {
		if row.Event != "$hotshard_events" {
			continue
		}
		hot++
		m := meaning(t, row.Properties)
		if row.DistinctID != "" || m["distinct_id"] != "" || m["mp_original_event_name"] == nil ||
			m["mp_original_distinct_id"] == "" {
			t.Errorf("hot row %+v", row)
		}
	}
	if hot != 5 {
		t.Errorf("%d hot rows, want 5", hot)
	}
}

func TestTruthInMilliseconds(t *testing.T) {
	t.Parallel()
	s := start(t, project(100))
	days := day.Range{From: march1, To: march1}
	fine, err := s.TruthOf(mixpaneltest.Ask{Project: 7, Days: days, TimeInMS: true})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, fine, get(t, s, march1, march1, "time_in_ms", "true").lines())
	byID := make(map[string]mixpaneltest.Row)
	for _, row := range fine.Rows {
		byID[row.InsertID] = row
	}
	for _, row := range truthOf(t, s, days).Rows {
		if at := byID[row.InsertID].Time; row.Time.Unix() != at.Unix() {
			t.Errorf("%s: %s in seconds, %s in milliseconds", row.InsertID, row.Time, at)
		}
	}
	if _, err := s.Truth(8, days); err == nil {
		t.Error("there is truth about an unknown project")
	}
}
