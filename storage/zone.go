package storage

import (
	"time"

	"mixduck/internal/day"
)

// zoneOffsets converts the "time" of a project to UTC. Projects from before 2023 store wall-clock time as if it were
// UTC (Mixpanel's documentation of time zones). A nil zone leaves times unchanged.
//
// For a wall-clock time that occurs twice in autumn, or never in spring, it uses the same offset as time.Date: the one
// before or the one after the change.
type zoneOffsets struct {
	loc   *time.Location
	first int64   // quarter of an hour since 1970 of each[0]
	each  []int64 // microseconds to add, one value per quarter of an hour
}

const quarter = int64(15 * time.Minute / time.Microsecond)

// newZoneOffsets prepares the conversion of times from from to to, in microseconds.
func newZoneOffsets(loc *time.Location, from, to int64) *zoneOffsets {
	z := &zoneOffsets{loc: loc, first: from / quarter}
	if loc == nil {
		return z
	}
	z.each = make([]int64, 0, to/quarter-z.first+1)
	for q := z.first; q <= to/quarter; q++ {
		z.each = append(z.each, z.offset(q*quarter))
	}
	return z
}

// offsetsOfDays prepares the conversion of times on these days, with one more day at each end.
func offsetsOfDays(loc *time.Location, days day.Range) *zoneOffsets {
	from, to := (days.From - 1).Start(time.UTC), (days.To + 2).Start(time.UTC)
	return newZoneOffsets(loc, from.UnixMicro(), to.UnixMicro())
}

// offset returns what to add to a wall-clock time to get UTC.
func (z *zoneOffsets) offset(wall int64) int64 {
	w := time.UnixMicro(wall).UTC()
	t := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), w.Nanosecond(), z.loc)
	return t.UnixMicro() - wall
}

// utcMicros converts a time in the project's encoding to microseconds since 1970 in UTC. It is safe for concurrent
// use.
func (z *zoneOffsets) utcMicros(sent int64) int64 {
	if z.loc == nil {
		return sent
	}
	if i := sent/quarter - z.first; i >= 0 && i < int64(len(z.each)) {
		return sent + z.each[i]
	}
	return sent + z.offset(sent)
}
