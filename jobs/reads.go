package jobs

import "mixduck/internal/day"

// PropertyRead is a property that a query has read.
type PropertyRead struct{ Table, Property string }

// PropertyReads says how often queries have read a property.
type PropertyReads struct {
	PropertyRead
	Queries  int64 // in this month and the last one
	LastRead day.Day
}
