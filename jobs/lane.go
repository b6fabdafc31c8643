package jobs

import (
	"time"
)

// StateCount says how many jobs are in a state.
type StateCount struct {
	State  State
	Jobs   int       // whose records are kept, of all kinds
	Oldest time.Time // when the oldest of them was submitted; zero if there is none
}

// LaneInfo describes a lane that has jobs.
type LaneInfo struct {
	Database string
	Holder   string    // the job whose turn it is; "" if all are aside, or for a moment between two
	State    State     // of the holder: queued or running; "" if there is none
	Since    time.Time // since when the holder is in that state; zero if there is none
	Worker   string    // that runs the holder; "" before
	Waiting  int       // jobs behind the holder
	Aside    int       // jobs that are paused or retrying, which hold nobody up
	NextAt   time.Time // when the first of those stands first again; zero if there is none
	Unserved bool      // no worker lives that serves the volume
}
