package jobs

import (
	"time"
)

// StateCount is the number of jobs in a state.
type StateCount struct {
	State  State
	Jobs   int       // with records, of all kinds
	Oldest time.Time // when the oldest of them was submitted; zero if there is none
}

// LaneInfo describes a non-empty lane.
type LaneInfo struct {
	Database string
	Table    string    // of the lake, for jobs that publish; "" for the lane of the database
	Holder   string    // the job that has its turn; "" if all are aside, or briefly between two turns
	State    State     // of the holder: queued or running; "" without a holder
	Since    time.Time // start of the holder's state; zero without a holder
	Worker   string    // the holder's worker; "" until one has begun
	Waiting  int       // jobs behind the holder
	Aside    int       // paused or retrying jobs, which do not block others
	NextAt   time.Time // when the first of those moves to the front; zero if there are none
	Unserved bool      // no live worker serves the volume
}
