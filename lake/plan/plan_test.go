package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/lake/plan"
)

func published(version string, loaded int64, rows int64) plan.Published {
	return plan.Published{
		Version: version, LoadedAt: time.UnixMilli(1_700_000_000_123 + loaded).UTC(), FetchedAt: time.Unix(1_700_000_000, 0).UTC(), Rows: rows,
	}
}

func date(n int) day.Day { return day.New(2025, 12, 30) + day.Day(n) }

func TestRecordsSurviveTheProperties(t *testing.T) {
	t.Parallel()
	records := plan.Records{date(0): published("aa", 0, 0), date(1): published("bb", 1, 1<<40), date(2): published("cc", 2, 35)}
	partial := records[date(2)]
	partial.Partial = true
	records[date(2)] = partial
	properties := records.Properties([]day.Day{date(0), date(2)})
	if len(properties) != 2 {
		t.Errorf("%d properties, want one for December and one for January: %v", len(properties), properties)
	}
	properties["write.format.default"] = "parquet"
	back, err := plan.ParseRecords(properties)
	if diff := cmp.Diff(records, back); err != nil || diff != "" {
		t.Errorf("ParseRecords: %v (-want +got)\n%s", err, diff)
	}
}

// A month that loses all its days must not keep their old records.
func TestAMonthWithoutDaysIsEmpty(t *testing.T) {
	t.Parallel()
	properties := plan.Records{}.Properties([]day.Day{date(0)})
	if diff := cmp.Diff(map[string]string{"mixduck.days.2025-12": ""}, properties); diff != "" {
		t.Errorf("Properties (-want +got)\n%s", diff)
	}
}

func TestDamagedRecordsAreAnError(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"01:a:b", "99:v:1:1:1:c", "01:v:!:1:1:c"} {
		if got, err := plan.ParseRecords(map[string]string{"mixduck.days.2025-12": value}); err == nil {
			t.Errorf("ParseRecords(%q) = %v", value, got)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	stored := []plan.Stored{
		{Day: date(0), Published: published("same", 5, 1)},
		{Day: date(1), Published: published("loaded again", 5, 1)},
		{Day: date(2), Published: published("old copy", 5, 1)},
		{Day: date(3), Published: published("new", 5, 1)},
	}
	records := plan.Records{
		date(0): published("same", 5, 1), date(1): published("before", 4, 1), date(2): published("later", 6, 1),
		date(9): published("only in the lake", 5, 1),
	}
	days := func(due []plan.Stored) (all []day.Day) {
		for _, s := range due {
			all = append(all, s.Day)
		}
		return all
	}
	due, newer := plan.Due(stored, records, false)
	if diff := cmp.Diff([]day.Day{date(3), date(1)}, days(due)); diff != "" {
		t.Errorf("due (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]day.Day{date(2)}, newer); diff != "" {
		t.Errorf("newer (-want +got)\n%s", diff)
	}
	if due, _ = plan.Due(stored, records, true); !cmp.Equal(days(due), []day.Day{date(3), date(1), date(0)}) {
		t.Errorf("all: due = %v", days(due))
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	var due []plan.Stored
	for n, rows := range []int64{5e6, 1e6, 1e6, 3e6} {
		due = append(due, plan.Stored{Day: date(n), Published: published("v", 0, rows)})
	}
	for n := range 40 {
		due = append(due, plan.Stored{Day: date(10 + n), Published: published("v", 0, 0)})
	}
	var sizes []int
	for _, b := range plan.Batches(due) {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{1, 2, 32, 9}, sizes); diff != "" {
		t.Errorf("sizes of the batches (-want +got)\n%s", diff)
	}
}
