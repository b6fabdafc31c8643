package jobs

import (
	"mixduck/internal/fault"
)

// Priority says which lanes are served first when workers are busy. It orders lanes, not the jobs of one: these run as
// they came, so that a low job holds up a high one that stands behind it.
type Priority string

// The priorities. Of ten free slots for which jobs of each wait, about six go to high ones, three to default ones and one
// to low ones: nobody starves.
const (
	PriorityHigh    Priority = "high"
	PriorityDefault Priority = "default"
	PriorityLow     Priority = "low"
)

// OrDefault returns p, or the default for "".
func (p Priority) OrDefault() Priority {
	if p == "" {
		return PriorityDefault
	}
	return p
}

func (p Priority) validate() error {
	switch p {
	case "", PriorityHigh, PriorityDefault, PriorityLow:
		return nil
	}
	return fault.Usage("high, default or low", "%q is no priority", p)
}
