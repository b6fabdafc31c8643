// Package local checks what a fetch on this machine needs: access to Mixpanel, directories and database files. It does
// not fetch or change anything.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"mixduck/cmd/internal/check"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/workspace"
)

// patience is the timeout for Mixpanel in a check.
const patience = time.Minute

// The checks of a project, in display order.
const (
	credentials = "credentials"
	region      = "region"
	plan        = "plan"
	export      = "export"
	zone        = "time zone"
)

// Budget counts the requests to a project, see [workspace.Config.Budget].
type Budget interface {
	Acquire(ctx context.Context, project int64) (release func(), err error)
	Heard(ctx context.Context, project int64, left int, until time.Time)
}

// Mixpanel checks a project with a small export: at most two requests, none of them repeated. Each request is booked
// in the budget; nil means that requests are not counted. label is appended to the names of the checks.
func Mixpanel(ctx context.Context, p config.Project, m *mixpanel.Client, budget Budget, label string, now func() time.Time) ([]check.Result, error) {
	temp, err := os.MkdirTemp("", "mixduck-check-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	w, err := workspace.New(workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: storage.Config{Mode: storage.InMemory}, SpoolDir: filepath.Join(temp, "spool"), Now: now, Budget: budget,
	}, m, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	asked, cancel := context.WithTimeoutCause(ctx, patience, fault.New(fault.CodeFailed,
		"check the network, the proxy and Mixpanel's status page", "no response from Mixpanel within %s", patience))
	defer cancel()
	probe, err := w.Probe(asked)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var all []check.Result
	if err != nil {
		all = refused(err)
	} else {
		all = accepted(p, probe)
	}
	for i := range all {
		all[i].Name += label
	}
	return all, nil
}

// refused returns the results of a failed probe. It fails the check that the error belongs to, and skips the others.
func refused(err error) []check.Result {
	failed := export
	if api, ok := errors.AsType[*mixpanel.Error](err); ok {
		switch api.Reason { //nolint:exhaustive // the others are failures of the export
		case mixpanel.ReasonAuth:
			failed = credentials
		case mixpanel.ReasonRegion, mixpanel.ReasonNotFound:
			failed = region
		case mixpanel.ReasonPlan:
			failed = plan
		case mixpanel.ReasonFuture:
			failed = zone
		}
	}
	if _, ok := errors.AsType[*storage.OutsideError](err); ok {
		failed = zone
	}
	var all []check.Result
	for _, name := range []string{credentials, region, plan, export, zone} {
		if name == failed {
			all = append(all, check.Fail(name, err))
		} else {
			all = append(all, check.Skip(name, "", "unknown, because %s failed", failed))
		}
	}
	return all
}

func accepted(p config.Project, probe workspace.Probe) []check.Result {
	served := p.Region
	if served == "" {
		served = string(mixpanel.RegionUS)
	}
	what := fmt.Sprintf("%s of %s in %s", wording.Counted(probe.Events, "event"), probe.Days, wording.Counted(int64(probe.Requests), "request"))
	all := []check.Result{
		check.Good(credentials, "accepted for project %s", p), check.Good(region, "%s", served),
		check.Good(plan, "includes raw export"),
	}
	if probe.Events == 0 {
		all = append(all, check.Warn(export, "check the project id; a new project has no events yet", "no events from %s to %s", probe.Days.From, probe.Days.To))
	} else {
		all = append(all, check.Good(export, "%s", what))
	}
	switch {
	case probe.TimeHint != "":
		return append(all, check.Warn(zone, "", "%s", probe.TimeHint))
	case probe.TimesKnown:
		return append(all, check.Good(zone, "%s fits the events", zoneName(p)))
	}
	return append(all, check.Skip(zone, "compare it with the project's settings in Mixpanel", "%s; too few events to check it", zoneName(p)))
}

func zoneName(p config.Project) string {
	if p.Location == nil {
		return "UTC"
	}
	return p.Location.String()
}
