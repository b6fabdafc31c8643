package wording

import (
	"testing"
	"time"
)

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567", 100000: "100,000",
	} {
		if got := Grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestShortTime(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0.0s", 1234 * time.Millisecond: "1.2s", 70 * time.Second: "1m10s", 10 * time.Minute: "10m",
		59*time.Minute + 59900*time.Millisecond: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h", 36*time.Hour + 5*time.Minute: "36h5m", 48 * time.Hour: "2d", 188*time.Hour + 18*time.Minute: "7d20h", 20*time.Hour + 29*time.Second: "20h",
	} {
		if got := ShortTime(d); got != want {
			t.Errorf("shortTime(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestTimeOfDay(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, newYork)
	for _, tt := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"today", now.Add(time.Hour), "13:00:00 (1h)"},
		{"today, in the zone of now", now.Add(time.Hour).UTC(), "13:00:00 (1h)"},
		{"tomorrow", now.Add(13 * time.Hour), "2026-11-23 01:00:00 (13h)"},
		{"a date of UTC that is another here", now.Add(11 * time.Hour).UTC(), "23:00:00 (11h)"},
		{"a year ahead", now.AddDate(1, 0, 0), "2027-11-22 12:00:00 (365d)"},
		{"the same day of the month", now.AddDate(0, 1, 0), "2026-12-22 12:00:00 (30d)"},
		{"past", now.Add(-time.Hour), "11:00:00 (0.0s)"},
	} {
		if got := TimeOfDay(tt.at, now); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
