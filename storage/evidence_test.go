package storage

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// world makes events of a project and reads them with a setting.
type world struct {
	n     int
	real  time.Duration             // offset of the zone in which the project writes times
	zone  *time.Location            // used for reading
	delay func(i int) time.Duration // time until processing, by the clock of the event's device
}

func (w world) evidence() *evidence {
	e := &evidence{}
	first := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	offsets := newZoneOffsets(w.zone, first.UnixMicro(), first.AddDate(0, 0, 3).UnixMicro())
	for i := range w.n {
		at := first.Add(time.Duration(i) * 48 * time.Hour / time.Duration(max(1, w.n)))
		sent := at.Add(w.real).Truncate(time.Second).UnixMicro()
		e.add(offsets.utcMicros(sent), at.Add(w.delay(i)).UnixMilli())
	}
	return e
}

func (w world) warning() (string, bool) {
	return w.evidence().warning(w.zone, time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC))
}

func seconds(most int) func(int) time.Duration {
	return func(i int) time.Duration { return time.Duration(1+i*7919%most) * time.Second }
}

func fixed(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// A missing or wrong setting is detected, and the fix is named.
func TestWrongTimesAreFound(t *testing.T) {
	t.Parallel()
	berlin, kolkata, la := fixed(t, "Europe/Berlin"), fixed(t, "Asia/Kolkata"), fixed(t, "America/Los_Angeles")
	const h = time.Hour
	tests := []struct {
		name  string
		world world
		want  []string
	}{
		{"Berlin forgotten", world{500, h, nil, seconds(60)}, []string{"shifted", "UTC+01:00", "1:00 h after"}},
		{"Los Angeles forgotten", world{500, -8 * h, nil, seconds(60)}, []string{"time_encoding: shifted", "UTC-08:00", "8:00 h before"}},
		{"New York forgotten, slow batches", world{2000, -5 * h, nil, seconds(1800)}, []string{"UTC-05:00"}},
		{"Kolkata forgotten", world{500, 5*h + 30*time.Minute, nil, seconds(120)}, []string{"UTC+05:30"}},
		{"Kathmandu forgotten", world{500, 5*h + 45*time.Minute, nil, seconds(120)}, []string{"UTC+05:45"}},
		{"Auckland forgotten, any delay", world{900, 13 * h, nil, seconds(3 * 3600)}, []string{"UTC+13:00"}},
		{"few events are enough", world{60, 2 * h, nil, seconds(10)}, []string{"UTC+02:00"}},
		{"half of them late", world{1000, -3 * h, nil, func(i int) time.Duration {
			if i%2 == 0 {
				return time.Duration(i*7919%(5*24*3600)) * time.Second
			}
			return 2 * time.Second
		}}, []string{"UTC-03:00"}},
		{"Berlin set, but UTC", world{500, 0, berlin, seconds(60)}, []string{"time_encoding: utc", "1:00 h before"}},
		{"Los Angeles set, but UTC", world{500, 0, la, seconds(60)}, []string{"time_encoding: utc", "8:00 h after"}},
		{"Kolkata set, but UTC", world{500, 0, kolkata, seconds(60)}, []string{"time_encoding: utc"}},
		{"Berlin set, but Kolkata", world{500, 5*h + 30*time.Minute, berlin, seconds(60)}, []string{"timezone is Europe/Berlin", "UTC+05:30"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, known := tt.world.warning()
			for _, want := range tt.want {
				if !known || !strings.Contains(text, want) {
					t.Errorf("warning = %q (%t), want one that has %q", text, known, want)
				}
			}
		})
	}
}

// Correct or inconclusive times cause no warning.
func TestTimesThatProveNothing(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	random := rand.New(rand.NewPCG(1, 2))
	anyDelay := make([]time.Duration, 3000)
	for i := range anyDelay {
		anyDelay[i] = time.Duration(random.Int64N(int64(5 * 24 * h)))
	}
	clocks := func(share int, off time.Duration) func(int) time.Duration {
		return func(i int) time.Duration {
			if i%100 < share {
				return off + time.Duration(i%50)*time.Second
			}
			return time.Duration(i%50) * time.Second
		}
	}
	begin := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	at := func(i, n int) time.Time { return begin.Add(time.Duration(i) * 48 * h / time.Duration(n)) }
	tests := []struct {
		name  string
		world world
		right bool // known to be right
	}{
		{"UTC", world{500, 0, nil, seconds(60)}, true},
		{"UTC, slow batches", world{2000, 0, nil, seconds(1800)}, true},
		{"Berlin, as it is set", world{500, h, fixed(t, "Europe/Berlin"), seconds(60)}, true},
		{"Los Angeles, as it is set", world{500, -8 * h, fixed(t, "America/Los_Angeles"), seconds(60)}, true},
		{"no events", world{0, 0, nil, seconds(60)}, false},
		{"a tiny table", world{20, 2 * h, nil, seconds(60)}, false},
		{"an import of old days", world{3000, 0, nil, func(int) time.Duration { return 400 * 24 * h }}, false},
		{"an import of the last days at once", world{3000, 0, nil, func(i int) time.Duration { return begin.Add(50 * h).Sub(at(i, 3000)) }}, false},
		{"an import each night", world{3000, 0, nil, func(i int) time.Duration {
			return at(i, 3000).Truncate(24 * h).Add(26*h + time.Duration(i%300)*time.Second).Sub(at(i, 3000))
		}}, false},
		{"an import each hour, an hour late", world{3000, 0, nil, func(i int) time.Duration {
			return at(i, 3000).Truncate(h).Add(2*h + time.Duration(i%60)*time.Second).Sub(at(i, 3000))
		}}, false},
		{"SDKs that were offline", world{3000, 0, nil, func(i int) time.Duration { return anyDelay[i] }}, false},
		{"a fifth of the devices an hour fast", world{1000, 0, nil, clocks(20, -h)}, true},
		{"a third of the devices two hours slow", world{1000, 0, nil, clocks(33, 2*h)}, true},
		{"clocks minutes ahead", world{1000, 0, nil, func(i int) time.Duration { return time.Duration(i%600-300) * time.Second }}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if text, known := tt.world.warning(); text != "" || tt.right && !known {
				t.Errorf("warning = %q (%t), want none", text, known)
			}
		})
	}
}

// All offsets in use can be distinguished for any setting.
func TestOffsetsOfAllZones(t *testing.T) {
	t.Parallel()
	for minutes := -12 * 60; minutes <= 14*60; minutes += 60 {
		w := world{300, time.Duration(minutes) * time.Minute, nil, seconds(90)}
		text, known := w.warning()
		if minutes == 0 {
			continue
		}
		if want := offsetName(minutes); !known || !strings.Contains(text, want) {
			t.Error(fmt.Sprint("no ", want, " in ", text))
		}
	}
}
