package worker

import (
	"time"
)

// laneModel is the expected state of a lane.
type laneModel struct {
	queue   []string
	holder  string
	delayed map[string]time.Time
}

// advance gives the lane to its next job, if it is free.
func (m *laneModel) advance(now time.Time) {
	if m.holder != "" {
		return
	}
	for job, at := range m.delayed {
		first := m.holder
		if !at.After(now) && (first == "" || at.Before(m.delayed[first]) || at.Equal(m.delayed[first]) && job < first) {
			m.holder = job
		}
	}
	if m.holder != "" {
		delete(m.delayed, m.holder)
	} else if len(m.queue) > 0 {
		m.holder, m.queue = m.queue[0], m.queue[1:]
	}
}
