package jobs

import "mixduck/internal/fault"

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

// orDefault returns p, or the default for "".
func (p Priority) orDefault() Priority {
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

// priorityWeights are the shares of the priorities.
func priorityWeights() map[Priority]int {
	return map[Priority]int{PriorityHigh: 6, PriorityDefault: 3, PriorityLow: 1}
}

// queueName is the Asynq queue of a volume, kind and priority. All jobs that write share those named after fetches, and
// queries know no priorities: each queue costs idle workers a question.
func queueName(volume string, k Kind, p Priority) string {
	if !k.writes() {
		return volume + "." + string(KindQuery)
	}
	name := volume + "." + string(KindFetch)
	if p.orDefault() == PriorityDefault {
		return name
	}
	return name + "." + string(p)
}
