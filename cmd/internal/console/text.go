package console

import "mixduck/internal/wording"

// Words shared with the page.
var (
	Printable = wording.Printable
	Text      = wording.Text
	Cut       = wording.Cut
	Pad       = wording.Pad
	Columns   = wording.Columns

	Grouped   = wording.Grouped
	Counted   = wording.Counted
	CountedAs = wording.CountedAs
	Megabytes = wording.Megabytes
	TimeOfDay = wording.TimeOfDay
	ShortTime = wording.ShortTime
	Windows   = wording.Windows
	Outcome   = wording.Outcome
	Late      = wording.Late
	Changes   = wording.Changes
)
