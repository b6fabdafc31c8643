package promotion

import (
	"strings"
	"time"
	_ "time/tzdata" // zones have to be known on machines without them
)

// maxZoneBytes is longer than the name of any zone.
const maxZoneBytes = 48

// Zones remembers the zones that texts have named, so they are looked up once. Not safe for concurrent use.
type Zones map[string]*time.Location

// find returns the zone of the IANA database that has this name, nil if there is none.
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

// offsetOf returns how many seconds east of UTC a wall clock of the zone is, given its time as if it were UTC. Of a time
// that comes twice in autumn it takes the later one; one that is left out in spring is counted on from before the change.
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
