package queue

import (
	"time"

	"mixduck/jobs/internal/lanes"
)

// Constants for tests of relays.
const (
	RelayChunk  = lanes.RelayChunk
	RelayWindow = lanes.RelayWindow
)

// LimitRelays changes the limits of a queue's relays.
func (q *Queue) LimitRelays(streams int, again, unserved, patience time.Duration) {
	q.Engine().Relay = lanes.RelayLimits{Streams: streams, Again: again, Unserved: unserved, Patience: patience}
}
