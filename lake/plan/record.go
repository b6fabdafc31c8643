// Package plan decides which days of a table are published to a lake table, and in which batches. It also defines how
// the lake table records what was published. It knows neither Iceberg nor DuckDB.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/day"
)

// Published describes a day of a lake table.
type Published struct {
	Version   string    // of the day in the database
	LoadedAt  time.Time // when the rows were loaded into the database, in milliseconds
	FetchedAt time.Time // when they were requested from Mixpanel, in seconds
	Partial   bool      // they were requested before the day had ended
	Rows      int64
}

// Records are the published days of a lake table. They are stored as properties of the table, one per month, so they
// change in the same commit as the files, and a restored catalog has those of its files.
type Records map[day.Day]Published

// recordPrefix is the prefix of the properties; the month follows.
const recordPrefix = "mixduck.days."

// ParseRecords reads the records from the properties of a lake table.
func ParseRecords(properties map[string]string) (Records, error) {
	all := Records{}
	for key, value := range properties {
		month, ours := strings.CutPrefix(key, recordPrefix)
		if !ours {
			continue
		}
		for line := range strings.FieldsSeq(value) {
			d, p, err := parseRecord(month, line)
			if err != nil {
				return nil, fmt.Errorf("property %s of the lake table: %w", key, err)
			}
			all[d] = p
		}
	}
	return all, nil
}

// Properties returns the properties for the months of some days.
func (r Records) Properties(days []day.Day) map[string]string {
	months := map[string][]string{}
	for _, d := range days {
		months[monthOf(d)] = nil
	}
	for _, d := range slices.Sorted(maps.Keys(r)) {
		if lines, wanted := months[monthOf(d)]; wanted {
			months[monthOf(d)] = append(lines, r[d].line(d))
		}
	}
	properties := make(map[string]string, len(months))
	for month, lines := range months {
		properties[recordPrefix+month] = strings.Join(lines, " ")
	}
	return properties
}

func monthOf(d day.Day) string { return d.String()[:len("2006-01")] }

const base = 36 // keeps the metadata of years of days small

// line returns a record as day:version:loaded:fetched:rows:state.
func (p Published) line(d day.Day) string {
	state := "c"
	if p.Partial {
		state = "p"
	}
	return strings.Join([]string{
		d.String()[len("2006-01-"):], p.Version, strconv.FormatInt(p.LoadedAt.UnixMilli(), base),
		strconv.FormatInt(p.FetchedAt.Unix(), base), strconv.FormatInt(p.Rows, base), state,
	}, ":")
}

func parseRecord(month, line string) (day.Day, Published, error) {
	parts := strings.Split(line, ":")
	if len(parts) < 6 { // later versions may append parts
		return 0, Published{}, fmt.Errorf("%q is no record of a day", line)
	}
	d, err := day.Parse(month + "-" + parts[0])
	loaded, err2 := strconv.ParseInt(parts[2], base, 64)
	fetched, err3 := strconv.ParseInt(parts[3], base, 64)
	rows, err4 := strconv.ParseInt(parts[4], base, 64)
	if err := cmp.Or(err, err2, err3, err4); err != nil {
		return 0, Published{}, fmt.Errorf("%q is no record of a day: %w", line, err)
	}
	return d, Published{
		Version: parts[1], LoadedAt: time.UnixMilli(loaded).UTC(), FetchedAt: time.Unix(fetched, 0).UTC(), Rows: rows, Partial: parts[5] == "p",
	}, nil
}
