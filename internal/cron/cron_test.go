package cron_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/cron"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func moment(tb testing.TB, s string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

func schedule(tb testing.TB, expr, name string) cron.Schedule {
	tb.Helper()
	s, err := cron.Parse(expr, zone(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// ticks returns the first n ticks after a time, in the zone's wall clock.
func ticks(s cron.Schedule, after time.Time, n int) (all []string) {
	for range n {
		after = s.Next(after)
		all = append(all, after.In(s.Location()).Format("2006-01-02T15:04:05Z07:00"))
	}
	return all
}

// The expected ticks are calculated by hand from the zones' rules.
func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, expr, zone, after string
		want                    []string
	}{
		{
			"a tick is strictly later", "15 6 * * *", "UTC", "2026-01-01T06:15:00Z",
			[]string{"2026-01-02T06:15:00Z", "2026-01-03T06:15:00Z"},
		},
		{
			"part of a second counts", "15 6 * * *", "UTC", "2026-01-01T06:14:59.999Z",
			[]string{"2026-01-01T06:15:00Z"},
		},
		{
			"seconds come first", "*/20 59 23 31 12 *", "UTC", "2026-12-31T23:59:20Z",
			[]string{"2026-12-31T23:59:40Z", "2027-12-31T23:59:00Z"},
		},
		{
			"names, ranges and steps", "0 8-18/5 * feb-mar MON,wed", "UTC", "2026-02-02T08:00:00Z",
			[]string{"2026-02-02T13:00:00Z", "2026-02-02T18:00:00Z", "2026-02-04T08:00:00Z"},
		},
		{"7 is Sunday", "0 0 * * 7", "UTC", "2026-11-20T00:00:00Z", []string{"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"}},
		{"a range may end on Sunday", "0 0 * * 6-7", "UTC", "2026-11-20T00:00:00Z", []string{"2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z"}},
		{
			"a date and a weekday: either", "0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z",
			[]string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"},
		},
		{
			"any date, and a weekday", "0 0 * * fri", "UTC", "2026-11-20T00:00:00Z",
			[]string{"2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"},
		},
		{"a leap day that is eight years off", "0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{
			"over the end of a leap year that no table of zones holds", "0 0 29 2 *", "America/New_York", "2096-10-02T00:00:00Z",
			[]string{"2104-02-29T00:00:00-05:00"},
		},
		{
			"on the last day of such a year", "0 */12 * * *", "America/New_York", "2040-12-30T23:00:00Z",
			[]string{"2040-12-31T00:00:00-05:00", "2040-12-31T12:00:00-05:00", "2041-01-01T00:00:00-05:00"},
		},
		{"weekly", "@weekly", "Europe/Berlin", "2026-11-20T00:00:00Z", []string{"2026-11-22T00:00:00+01:00"}},
		{"yearly", "@Yearly", "Asia/Kolkata", "2026-11-20T00:00:00Z", []string{"2027-01-01T00:00:00+05:30"}},
		{
			"every duration since 1970, whatever the zone", "@every 7m", "Asia/Kolkata", "1970-01-01T00:06:59Z",
			[]string{"1970-01-01T05:37:00+05:30", "1970-01-01T05:44:00+05:30"},
		},
		{
			"every duration before 1970", "@every 7m", "UTC", "1969-12-31T23:50:00Z",
			[]string{"1969-12-31T23:53:00Z", "1970-01-01T00:00:00Z"},
		},
		{
			"skipped in New York: when the clock has jumped", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"},
		},
		{
			"skipped several times in New York: one tick", "*/10 2,3 * * *", "America/New_York", "2026-03-08T06:59:59Z",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-08T03:10:00-04:00"},
		},
		{
			"the hours of a skipped one, in New York", "30 * * * *", "America/New_York", "2026-03-08T06:00:00Z",
			[]string{"2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00", "2026-03-08T04:30:00-04:00"},
		},
		{
			"shown twice in New York: the first time", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		},
		{
			"asked between the two, in New York", "0,30 1,2 * * *", "America/New_York", "2026-11-01T06:15:00Z",
			[]string{"2026-11-01T02:00:00-05:00"},
		},
		{
			"the hours of a doubled one, in New York", "@hourly", "America/New_York", "2026-11-01T04:30:00Z",
			[]string{"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"},
		},
		{
			"skipped in Berlin", "15 2 * * sun", "Europe/Berlin", "2026-03-25T00:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-04-05T02:15:00+02:00"},
		},
		{
			"shown twice in Berlin", "0 0 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T02:00:00+02:00", "2026-10-26T02:00:00+01:00"},
		},
		{
			"a date that Apia has skipped", "15 6 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z",
			[]string{"2011-12-29T06:15:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T06:15:00+14:00"},
		},
		{
			"the 30th that Apia has skipped", "0 12 30 * *", "Pacific/Apia", "2011-12-01T00:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00", "2012-01-30T12:00:00+14:00"},
		},
		{
			"the hours of a skipped date", "30 * * * *", "Pacific/Apia", "2011-12-30T08:45:00Z",
			[]string{"2011-12-29T23:30:00-10:00", "2011-12-31T00:30:00+14:00"},
		},
		{
			"half an hour that Lord Howe skips", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		{
			"half an hour that Lord Howe shows twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"},
		},
		{
			"the halves of hours there", "*/30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:15:00Z",
			[]string{"2026-04-05T01:30:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"},
		},
		{
			"a midnight that does not exist", "@daily", "America/Santiago", "2026-09-05T12:00:00Z",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ticks(schedule(t, tt.expr, tt.zone), moment(t, tt.after), len(tt.want))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ticks of %q in %s after %s (-want +got):\n%s", tt.expr, tt.zone, tt.after, diff)
			}
		})
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, expr, after, until, want string }{
		{"the end counts", "15 6 * * *", "2026-01-01T00:00:00Z", "2026-01-05T06:15:00Z", "2026-01-05T06:15:00Z"},
		{"the start does not", "15 6 * * *", "2026-01-05T06:15:00Z", "2026-01-06T06:14:59Z", ""},
		{"none in an empty span", "* * * * *", "2026-01-05T06:15:00Z", "2026-01-05T06:15:00Z", ""},
		{"none in a span that ends before it starts", "* * * * *", "2026-01-05T06:15:00Z", "2026-01-04T06:15:00Z", ""},
		{"of two that are near", "0 0 6,7 * * *", "2026-01-05T05:00:00Z", "2026-01-05T07:00:00.5Z", "2026-01-05T07:00:00Z"},
		{"of ten years of seconds", "* * * * * *", "2016-01-01T00:00:00Z", "2026-01-01T00:00:00.9Z", "2026-01-01T00:00:00Z"},
		{"of a hundred years of leap days", "0 0 29 2 *", "2000-03-01T00:00:00Z", "2103-01-01T00:00:00Z", "2096-02-29T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := schedule(t, tt.expr, "UTC").Latest(moment(t, tt.after), moment(t, tt.until))
			var want time.Time
			if tt.want != "" {
				want = moment(t, tt.want)
			}
			if !got.Equal(want) {
				t.Errorf("Latest of %q in %s to %s = %s, want %s", tt.expr, tt.after, tt.until, got, want)
			}
		})
	}
}

func TestTheZeroScheduleNeverFires(t *testing.T) {
	t.Parallel()
	if at := (cron.Schedule{}).Next(time.Now()); !at.IsZero() {
		t.Errorf("Next = %s", at)
	}
}
