package workspace_test

import (
	"errors"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// Each fault has one of two outcomes: all rows are right, or the error names what is missing and nothing of it is
// stored.
func TestFaults(t *testing.T) {
	t.Parallel()
	r := days(t, "2026-11-01", "2026-11-03")
	bad := day.Range{From: r.From + 1, To: r.From + 1}
	tests := []struct {
		name  string
		fault mixpaneltest.Fault
	}{
		{"connection cut", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection}},
		{"connection cut in the first bytes", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, AfterBytes: 5}},
		{"terminated early at the end", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AtEnd: true}},
		{"terminated early in the middle", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly}},
		{"nothing but terminated early", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedOnly}},
		{"export terminated early", mixpaneltest.Fault{Kind: mixpaneltest.ExportTerminatedEarly}},
		{"error object at the end", mixpaneltest.Fault{Kind: mixpaneltest.ErrorTail}},
		{"half a line", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine}},
		{"half a line and a newline", mixpaneltest.Fault{Kind: mixpaneltest.HalfLineNewline}},
		{"half a line and a newline at the end", mixpaneltest.Fault{Kind: mixpaneltest.HalfLineNewline, AtEnd: true}},
		{"half a line and a text", mixpaneltest.Fault{Kind: mixpaneltest.GluedTail}},
		{"a proxy's text", mixpaneltest.Fault{Kind: mixpaneltest.ProxyTail}},
		{"a status", mixpaneltest.Fault{Kind: mixpaneltest.StatusTail}},
		{"an error over several lines", mixpaneltest.Fault{Kind: mixpaneltest.PrettyTail}},
		{"a page at the end", mixpaneltest.Fault{Kind: mixpaneltest.PageTail, AtEnd: true}},
		{"nothing but a page", mixpaneltest.Fault{Kind: mixpaneltest.PageOnly}},
		{"a page between events", mixpaneltest.Fault{Kind: mixpaneltest.PageBetween}},
		{"no gzip trailer", mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer}},
		{"wrong gzip checksum", mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC}},
		{"no first byte", mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Hold: time.Minute}},
		{"stall", mixpaneltest.Fault{Kind: mixpaneltest.Stall, Hold: time.Minute}},
		{"reset", mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce}},
		{"429 without headers", mixpaneltest.Fault{Kind: mixpaneltest.Bare429}},
		{"500", mixpaneltest.Fault{Kind: mixpaneltest.Status500}},
		{"502", mixpaneltest.Fault{Kind: mixpaneltest.Status502}},
		{"503", mixpaneltest.Fault{Kind: mixpaneltest.Status503}},
		{"timeout reported", mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}},
	}
	for _, tt := range tests {
		tt.fault.Days = bad
		wait := patience
		if tt.fault.Hold > 0 {
			wait = 5 * time.Second
		}
		t.Run(tt.name+" passes", func(t *testing.T) {
			t.Parallel()
			f := newFixtureWithPatience(t, wait, mixpaneltest.Generator{Seed: 7, EventsPerDay: 40}, nil)
			passing := tt.fault
			passing.Times = 2
			hit := f.inject(t, passing)
			p, err := f.fetch(t, r)
			if err != nil {
				t.Fatal(err)
			}
			if hit[0].Hits() != 2 || p.Retries == 0 && tt.fault.Kind != mixpaneltest.ResetAtOnce { // net/http repeats these
				t.Fatalf("%d requests were hit and %d windows retried, want 2 and some", hit[0].Hits(), p.Retries)
			}
			f.check(t, r)
		})
		t.Run(tt.name+" lasts", func(t *testing.T) {
			t.Parallel()
			f := newFixtureWithPatience(t, wait, mixpaneltest.Generator{Seed: 7, EventsPerDay: 40}, nil)
			f.inject(t, tt.fault)
			_, err := f.fetch(t, r)
			failed, ok := errors.AsType[*workspace.DaysError](err)
			if !ok || len(failed.Failed) != 1 || failed.Failed[0].Days != bad || workspace.Permanent(err) || fault.HintOf(err) == "" {
				t.Fatalf("error = %v, want one that names only %s, is temporary and has a hint", err, bad)
			}
			var others []row
			want, _, _ := f.truth(t, r)
			for _, w := range want {
				if w.Day != bad.From.String() {
					others = append(others, w)
				}
			}
			f.compare(t, others)
		})
	}
}

// Complete responses of an unusual form are stored correctly.
func TestOddForms(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{mixpaneltest.NoLastNewline, mixpaneltest.ByteOrderMark, mixpaneltest.SplitLine} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 3, EventsPerDay: 300}, nil)
			f.inject(t, mixpaneltest.Fault{Kind: kind})
			r := days(t, "2026-11-01", "2026-11-03")
			p, err := f.fetch(t, r)
			if err != nil || p.Retries > 0 || p.Quarantined > 0 {
				t.Fatalf("progress %+v, %v, want no retry and nothing set aside", p, err)
			}
			if joined := kind == mixpaneltest.SplitLine; joined != (p.Joined > 0) || joined != (p.Warnings != "") {
				t.Errorf("%d joined, warnings %q", p.Joined, p.Warnings)
			}
			f.check(t, r)
		})
	}
}

// Faults of the data are not failures: the stored data is what Mixpanel has after deduplication, and the rest is
// accounted for.
func TestData(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.Reordered, mixpaneltest.Rekeyed, mixpaneltest.ExactDuplicates, mixpaneltest.NewerDuplicates,
		mixpaneltest.TiedDuplicates, mixpaneltest.MissingInsertID, mixpaneltest.EmptyInsertID, mixpaneltest.MissingDistinct,
		mixpaneltest.EmptyDistinct, mixpaneltest.HotShard, mixpaneltest.NotJSON, mixpaneltest.NotEvents, mixpaneltest.InvalidUTF8,
		mixpaneltest.LoneSurrogates, mixpaneltest.DeeplyNested, mixpaneltest.LongLine,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 3, EventsPerDay: 60}, singleDays)
			every := 10
			if kind == mixpaneltest.NotJSON || kind == mixpaneltest.NotEvents {
				every = 20
			}
			hit := f.inject(t, mixpaneltest.Fault{Kind: kind, Every: every, LineBytes: 3 << 19})
			r := days(t, "2026-11-01", "2026-11-03")
			for range 2 { // the second time everything is already there
				p, err := f.fetch(t, r)
				if err != nil {
					t.Fatal(err)
				}
				truth := f.check(t, r)
				if hit[0].Hits() == 0 || p.Rows != int64(len(truth.Rows)) || p.Duplicates != int64(truth.Duplicates) || p.Quarantined != int64(len(truth.Quarantined)) {
					t.Fatalf("stored %d, dropped %d, set aside %d; want %d, %d, %d",
						p.Rows, p.Duplicates, p.Quarantined, len(truth.Rows), truth.Duplicates, len(truth.Quarantined))
				}
			}
		})
	}
}
