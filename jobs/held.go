package jobs

import (
	"fmt"
	"time"
)

// Held says which program has a database open, so that a job cannot write to it. It does not contain the program's arguments,
// because they can contain secrets.
type Held struct {
	Program string    `json:"program,omitempty"` // "" if unknown
	PID     int       `json:"pid,omitempty"`     // 0 if unknown, for example in another container
	Since   time.Time `json:"since"`             // when the job began to wait
}

// String says what the job waits for.
func (h Held) String() string {
	who := "another program"
	switch {
	case h.Program != "" && h.PID != 0:
		who = fmt.Sprintf("%s, PID %d", h.Program, h.PID)
	case h.PID != 0:
		who = fmt.Sprintf("PID %d", h.PID)
	}
	return fmt.Sprintf("waits for %s, since %s", who, h.Since.UTC().Format("2006-01-02 15:04 MST"))
}
