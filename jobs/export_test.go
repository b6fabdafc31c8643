package jobs

import "time"

// What tests of relays need to know.
const (
	RelayChunk  = relayChunk
	RelayWindow = relayWindow
)

// LimitRelays changes the limits of a queue's relays.
func (q *Queue) LimitRelays(streams int, again, unserved, patience time.Duration) {
	q.relay = relayLimits{streams: streams, again: again, unserved: unserved, patience: patience}
}
