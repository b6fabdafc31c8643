package schedule

import (
	"context"
	"fmt"
	"slices"

	"mixduck/jobs"
)

// Published is the result of publishing the schedules of a worker's file.
type Published struct {
	Names   []string // of the schedules that now have this worker as an origin
	Refused []error  // why others were left out: errors with [fault.CodeUsage], or [ErrScheduleTaken]
}

// Publish stores all schedules of a worker's file. New ones are added. Existing ones keep their pause and history, and
// start over if their timing differs. Schedules that the worker published before and that are not in all are removed,
// unless other workers have them too. Existing jobs go on. If the files of two workers differ, the worker that started
// last wins.
//
// Set again if the worker has published its file since it started: then Publish repairs what Redis has lost and
// touches nothing else. Schedules that a person has removed since then stay removed.
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
