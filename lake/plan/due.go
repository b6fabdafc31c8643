package plan

import (
	"slices"

	"mixduck/internal/day"
)

// Stored is a day as the database has it.
type Stored struct {
	Day day.Day
	Published
}

// Due compares what is stored with what is published. It returns the days to publish, newest first, and those that the
// lake has in a newer state than the database, which are never published: the database may be an old copy. With
// all, the days whose published version is the stored one are due, too.
func Due(stored []Stored, published Records, all bool) (due []Stored, newer []day.Day) {
	for _, s := range stored {
		p, has := published[s.Day]
		switch {
		case has && p.LoadedAt.After(s.LoadedAt):
			newer = append(newer, s.Day)
		case !has || all || p.Version != s.Version:
			due = append(due, s)
		}
	}
	slices.SortFunc(due, func(a, b Stored) int { return int(b.Day - a.Day) })
	return due, newer
}

// The limits of a batch, which is one commit.
const (
	maxBatchDays = 32
	maxBatchRows = 4_000_000
)

// Batches cuts days into batches, in their order. A day with more rows than the limit is the only one of its batch.
func Batches(due []Stored) (all [][]Stored) {
	rows := int64(0)
	for _, s := range due {
		last := len(all) - 1
		if last < 0 || len(all[last]) >= maxBatchDays || rows+s.Rows > maxBatchRows {
			all, rows = append(all, nil), 0
			last++
		}
		all[last] = append(all[last], s)
		rows += s.Rows
	}
	return all
}
