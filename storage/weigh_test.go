package storage_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
)

// timed returns n lines of events spread over a day of a project that writes times in a zone, processed seconds later.
func timed(d day.Day, n int, zone time.Duration) string {
	var b strings.Builder
	for i := range n {
		at := d.Start(time.UTC).Add(3*time.Hour + time.Duration(i)*18*time.Hour/time.Duration(n))
		fmt.Fprintf(&b, `{"event":"a","properties":{"time":%d,"distinct_id":"u","$insert_id":"i%d-%d","mp_processing_time_ms":%d}}`+"\n",
			at.Unix(), d, i, at.Add(-zone).Add(2*time.Second).UnixMilli())
	}
	return b.String()
}

// A warning about times stays until a load with the right setting, or of other times, disproves it.
func TestTimeWarningStaysUntilRefuted(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("UTC+2", 2*60*60)
	e := open(t, storage.Config{Path: filepath.Join(t.TempDir(), "x.db")})
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job", Days: span(0, 9)})
	at := 0
	next := func(n int, shift time.Duration, zone *time.Location) string {
		w := window(span(at, 1), timed(first+day.Day(at), n, shift))
		w.Zone = zone
		at++
		receipt := load(t, e, w)
		tables, err := e.TableStates(t.Context())
		if err != nil || len(tables) != 1 || tables[0].TimeWarning != receipt.TimeWarning {
			t.Fatalf("tables = %+v, %v, want one with the warning %q", tables, err, receipt.TimeWarning)
		}
		return receipt.TimeWarning
	}
	for _, step := range []struct {
		name  string
		n     int
		shift time.Duration
		zone  *time.Location
		want  string // in the warning
	}{
		{"too few", 30, 2 * time.Hour, nil, ""},
		{"enough with those before", 30, 2 * time.Hour, nil, "UTC+02:00"},
		{"the right setting, too few", 30, 2 * time.Hour, zone, "UTC+02:00"},
		{"the right setting", 200, 2 * time.Hour, zone, ""},
		{"another time zone", 2000, -7 * time.Hour, nil, "UTC-07:00"},
		{"right times outweigh it", 2000, 0, nil, ""},
	} {
		if got := next(step.n, step.shift, step.zone); (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("%s: warning = %q, want %q", step.name, got, step.want)
		}
	}
	closeEngine(t, e)
}
