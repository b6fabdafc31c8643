package promotion

import (
	"strings"
	"time"
	_ "time/tzdata" // for machines without zone data
)

// maxZoneBytes is longer than the name of any zone.
const maxZoneBytes = 48

// Zones caches the zones named in texts. Not safe for concurrent use.
type Zones map[string]*time.Location

// find returns the IANA zone with this name, nil if there is none.
func (z Zones) find(name string) *time.Location {
	if zone, known := z[name]; known {
		return zone
	}
	zone := loadZone(name)
	z[name] = zone
	return zone
}

func loadZone(name string) *time.Location {
	if len(name) > maxZoneBytes || name[0] < 'A' || name[0] > 'Z' || name == "Local" {
		return nil
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("_+-/", rune(c)) {
			return nil
		}
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// offsetOf returns the zone's offset in seconds east of UTC, given a wall-clock time as if it were UTC. If the time
// occurs twice in autumn, it uses the later one. If the time is skipped in spring, it uses the offset from before the
// change.
func offsetOf(zone *time.Location, wall int64) int64 {
	const day = 86400
	at := func(unix int64) int64 {
		_, offset := time.Unix(unix, 0).In(zone).Zone()
		return int64(offset)
	}
	before, after := at(wall-day), at(wall+day)
	if at(wall-after) == after {
		return after
	}
	return before
}
