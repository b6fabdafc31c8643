package jobs

import (
	"mixduck/internal/fault"
)

// Priority decides which lanes are served first when workers are busy. It orders lanes, not the jobs within a lane:
// these run in order of submission, so a low job delays a high one behind it.
type Priority string

// The priorities. When jobs of each priority wait, about six of ten free slots go to high ones, three to default ones
// and one to low ones. So no priority starves.
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
