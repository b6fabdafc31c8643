package console

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
		59*time.Minute + 59900*time.Millisecond: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h", 20*time.Hour + 29*time.Second: "20h",
	} {
		if got := ShortTime(d); got != want {
			t.Errorf("shortTime(%s) = %q, want %q", d, got, want)
		}
	}
}
