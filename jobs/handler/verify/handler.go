// Package verify runs queries that compare a table with Mixpanel: a workspace does the comparison, and the handler of
// other queries stores the differences. This package converts one into the other.
package verify

import (
	"context"
	"log/slog"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/workspace"
)

// Opener opens the workspace of a comparison. Its errors are permanent.
type Opener func(q jobs.Query, log *slog.Logger) (*workspace.Workspace, error)

// answerer runs queries and stores their rows.
type answerer interface {
	jobs.Handler
	Answer(ctx context.Context, a *jobs.Attempt, q jobs.Query) error
}

// Handler runs all queries. It is a [jobs.Handler].
type Handler struct {
	open    Opener
	queries answerer
	log     *slog.Logger
}

// New returns a handler that passes all other queries to queries.
func New(open Opener, queries answerer, log *slog.Logger) *Handler {
	return &Handler{open: open, queries: queries, log: log}
}

// Run answers a query. If Mixpanel makes a comparison wait, it fails, because a client waits; the error says until
// when.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	q := a.Record.Query
	if q.Verify == nil {
		return h.queries.Run(ctx, a)
	}
	found, err := h.compare(ctx, a, q)
	if err != nil {
		return jobs.Permanent(err)
	}
	if q.SQL, q.Params, err = found.Statement(); err != nil {
		return jobs.Permanent(err)
	}
	if err := h.queries.Answer(ctx, a, q); err != nil {
		return err
	}
	result := *a.Found()
	result.Verified = &jobs.Verified{
		Days: found.Days, Events: found.Events, Differences: len(found.Differences), Repair: found.Repair(),
		Only: found.Only, Requests: found.Requests, Warnings: found.Warnings,
	}
	a.SetResult(result)
	return nil
}

func (h *Handler) compare(ctx context.Context, a *jobs.Attempt, q jobs.Query) (workspace.Verification, error) {
	if q.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, q.Timeout, fault.New(fault.CodeFailed,
			"increase --timeout", "the comparison took longer than %s", q.Timeout))
		defer cancel()
	}
	ws, err := h.open(q, h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return workspace.Verification{}, err
	}
	found, err := ws.Verify(ctx, workspace.VerifyRequest{Table: q.Verify.Table, Days: q.Verify.Days})
	return found, workspace.Later(err)
}
