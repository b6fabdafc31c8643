package embedredis

import (
	"testing"
	"time"
)

func TestAgeing(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name     string
		cost     time.Duration // of the last step
		after    time.Duration
		wantLeft time.Duration // of a minute
	}{
		{"cheap steps are fine ones", 0, time.Millisecond, time.Minute - time.Millisecond},
		{"costly steps are rare", 5 * time.Millisecond, 900 * time.Millisecond, time.Minute},
		{"costly steps come", 5 * time.Millisecond, time.Second, 59 * time.Second},
		{"a process that stood still does not stop ageing", time.Hour, 6 * time.Second, 54 * time.Second},
		{"a clock that is set back makes nothing younger", 0, -time.Hour, time.Minute},
		{"what is over goes", 0, time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, err := newEngine()
			if err != nil {
				t.Fatal(err)
			}
			defer e.redis.Close()
			e.age(start)
			if err := e.redis.Set("key", "value"); err != nil {
				t.Fatal(err)
			}
			e.redis.SetTTL("key", time.Minute)
			e.cost, e.aged = test.cost, 0
			e.age(start.Add(test.after))
			left := e.redis.TTL("key")
			if left != test.wantLeft || e.aged != 0 && e.aged != int64(test.after) {
				t.Errorf("%v after %v: %v left of a minute, recorded %v", test.name, test.after, left, time.Duration(e.aged))
			}
		})
	}
}
