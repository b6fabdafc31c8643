package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/workspace"
)

// verify compares the table with Mixpanel's counts after a fetch, if the job asks for it, and fetches days that differ
// again. It runs once per job, and not while due days are left to another job. A comparison that fails does not fail the
// job, because the days are stored: the result says why.
func (r *run) verify(ctx context.Context, f jobs.Fetch) error {
	if f.Verify == "" || r.done.DaysLeft > 0 || r.before.Verified != nil {
		return nil
	}
	found, err := r.ws.Verify(ctx, workspace.VerifyRequest{Table: f.Table})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.done.Requests += found.Requests
	v := &jobs.Verified{
		Days: found.Days, Events: found.Events, Differences: len(found.Differences), Only: found.Only,
		Requests: found.Requests, Problem: jobs.OneLine(strings.TrimSpace(found.Warnings)), At: time.Now(),
	}
	if err != nil {
		v = &jobs.Verified{Requests: found.Requests, Problem: jobs.OneLine(err.Error()), At: time.Now()}
	}
	if f.Verify == jobs.VerifyRepair {
		if err := r.repair(ctx, f, found.Repair(), v); err != nil {
			return err
		}
	}
	err = r.ws.KeepVerified(ctx, f.Table, r.Record.ID, storage.Verified{
		Days: v.Days, Events: v.Events, Differences: v.Differences, Repaired: v.Repaired, Requests: v.Requests, Problem: v.Problem, At: v.At,
	}, r.Fence)
	if err != nil {
		return err
	}
	r.verified = v
	if v.Differences > 0 || v.Problem != "" {
		r.done.Warnings += describe(v) + "\n"
	}
	r.Report(r.progress(workspace.Progress{}))
	return nil
}

// repair fetches days again. It fails only if the attempt cannot go on.
func (r *run) repair(ctx context.Context, f jobs.Fetch, days []day.Range, v *jobs.Verified) error {
	for _, d := range days {
		again := f
		again.Days, again.Due, again.Mode = d, nil, jobs.ModeSync
		err := r.fetchEvents(ctx, again, r.Record.ID+repairSuffix)
		_, paused := errors.AsType[*workspace.PauseError](err)
		switch {
		case err == nil:
			v.Repaired += d.Len()
		case paused, errors.Is(err, workspace.ErrDrained), ctx.Err() != nil, errors.Is(err, storage.ErrFenced):
			return err
		default:
			v.Problem = strings.TrimPrefix(v.Problem+fmt.Sprintf("; %s was not fetched again: %s", d, jobs.OneLine(err.Error())), "; ")
		}
	}
	return nil
}

// repairSuffix distinguishes fetches that repair days: receipts of the job itself mark days that it need not fetch again.
const repairSuffix = "-repair"

func describe(v *jobs.Verified) string {
	if v.Days == (day.Range{}) {
		return "not verified: " + v.Problem
	}
	text := fmt.Sprintf("%d differences from Mixpanel in %s; run 'enqueue verify' to list them", v.Differences, v.Days)
	if v.Repaired > 0 {
		text += fmt.Sprintf("; days fetched again: %d", v.Repaired)
	}
	if v.Problem != "" {
		text += "; " + v.Problem
	}
	return text
}
