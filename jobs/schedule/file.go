package schedule

import (
	"context"
	"fmt"
	"slices"

	"mixduck/jobs"
)

// Published says what came of the schedules of a worker's file.
type Published struct {
	Names   []string // of those that Redis now has with this worker as one of their origins
	Refused []error  // why others were left out: errors with [fault.CodeUsage], or [ErrScheduleTaken]
}

// Publish makes all the schedules of a worker's file. New ones are added. Existing ones keep their pause and their
// history, and start anew if their timing differs. Those that the worker published before and that are not among all are
// removed, unless other workers have them too. Jobs that were made go on. Where the files of two workers differ, the
// worker that started last is right.
//
// Again is for a worker that has published its file since it started: it repairs what Redis has lost, and touches nothing
// else. What a person has removed since then stays removed.
func (st *Store) Publish(ctx context.Context, worker string, all []jobs.Schedule, again bool) (Published, error) {
	var p Published
	names := make(map[string]bool, len(all))
	for _, s := range all {
		names[s.Name] = true
		if err := s.Validate(); err != nil {
			p.Refused = append(p.Refused, err)
			continue
		}
		change, err := st.put(ctx, s, fileOrigin(worker), again)
		switch {
		case err != nil:
			return p, err
		case change == "taken":
			p.Refused = append(p.Refused, fmt.Errorf("%w: %s", ErrScheduleTaken, s.Name))
		case change != "removed":
			p.Names = append(p.Names, s.Name)
		}
	}
	now, err := st.e.Time(ctx)
	if err != nil {
		return p, err
	}
	known, err := st.List(ctx, now)
	if err != nil {
		return p, err
	}
	for _, s := range known {
		if names[s.Name] || !slices.Contains(s.Files, worker) {
			continue
		}
		if err := st.drop(ctx, s.Name, fileOrigin(worker)); err != nil {
			return p, err
		}
	}
	return p, nil
}
