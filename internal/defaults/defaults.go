// Package defaults holds the defaults that more than one package uses, because packages above may not import each other. A
// default with one user belongs to that package.
package defaults

import "time"

const (
	// MaxAttempts is the maximum number of attempts of a job.
	MaxAttempts = 5

	// Lookback is the number of past days that are fetched again, because Mixpanel still adds events to them: its SDKs
	// keep unsent events for 5 days.
	Lookback = 5

	// CatchUp is the maximum age of a missed run that a schedule still starts.
	CatchUp = 31 * 24 * time.Hour
)
