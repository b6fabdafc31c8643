package day_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/day"
)

// ranges draws ranges of at least minDays days, which may be 0.
func ranges(t *rapid.T, minDays int) day.Range {
	from := day.Day(rapid.Int32Range(-100_000, 100_000).Draw(t, "from"))
	return day.Range{From: from, To: from + day.Day(rapid.IntRange(minDays, 1000).Draw(t, "days")) - 1}
}

func TestAllYieldsEachDayOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := ranges(t, 0)
		days := slices.Collect(r.All())
		if len(days) != r.Len() {
			t.Fatalf("%s yields %d days, Len = %d", r, len(days), r.Len())
		}
		for i, d := range days {
			if d != r.From+day.Day(i) || !r.Contains(d) {
				t.Fatalf("day %d of %s is %s", i, r, d)
			}
		}
		if r.Contains(r.From-1) || r.Contains(r.To+1) {
			t.Errorf("%s contains a day outside", r)
		}
	})
}

func TestAllStopsWhenToldTo(t *testing.T) {
	t.Parallel()
	n := 0
	for range (day.Range{From: 1, To: 10}).All() {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d days were yielded after a break at the third", n)
	}
}

func TestHalvesCoverEachDayOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := ranges(t, 2)
		a, b := r.Halves()
		if a.Len() == 0 || b.Len() == 0 || a.Len()-b.Len() > 1 || a.Len() < b.Len() {
			t.Errorf("halves of %s are %s and %s, of %d and %d days", r, a, b, a.Len(), b.Len())
		}
		both := slices.AppendSeq(slices.Collect(a.All()), b.All())
		if !slices.Equal(both, slices.Collect(r.All())) {
			t.Errorf("halves of %s are %s and %s", r, a, b)
		}
	})
}

func TestRangesAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	whole := day.Range{From: math.MinInt32, To: math.MaxInt32}
	if got := whole.Len(); got != 1<<32 {
		t.Errorf("Len = %d, want %d", got, 1<<32)
	}
	last := day.Range{From: math.MaxInt32 - 1, To: math.MaxInt32}
	if got := len(slices.Collect(last.All())); got != 2 {
		t.Errorf("All yields %d days, want 2", got)
	}
	if got := (day.Range{From: math.MaxInt32, To: math.MinInt32}).Len(); got != 0 {
		t.Errorf("Len of an empty range = %d, want 0", got)
	}
}

func TestRangeAsText(t *testing.T) {
	t.Parallel()
	from := day.New(2026, 11, 22)
	for want, r := range map[string]day.Range{
		"2026-11-22":             {From: from, To: from},
		"2026-11-22..2026-11-23": {From: from, To: from + 1},
	} {
		if got := r.String(); got != want {
			t.Errorf("String = %s, want %s", got, want)
		}
	}
	text, err := json.Marshal(day.Range{From: from, To: from + 1})
	if want := `{"from":"2026-11-22","to":"2026-11-23"}`; string(text) != want || err != nil {
		t.Errorf("JSON = %s, %v; want %s", text, err, want)
	}
}
