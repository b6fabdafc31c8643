// Package ask runs queries that wait for Mixpanel: questions, comparisons of a table with Mixpanel's counts, and
// profiles. A workspace asks, and the handler of other queries stores the answer. This package connects the two.
package ask

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/workspace"
)

// Opener makes the workspace of a query; spool is the directory for responses. Errors are permanent.
type Opener func(q jobs.Query, spool string, log *slog.Logger) (*workspace.Workspace, error)

// answerer stores the rows of a query.
type answerer interface {
	Answer(ctx context.Context, a *jobs.Attempt, q jobs.Query) error
	Store(ctx context.Context, a *jobs.Attempt, write func(io.Writer) (rows int64, err error)) error
}

// Handler runs jobs of [jobs.KindAsk]. It is a [jobs.Handler].
type Handler struct {
	spool   string // each job uses its own subdirectory
	open    Opener
	answers answerer
	log     *slog.Logger
}

// New returns a handler.
func New(spool string, open Opener, answers answerer, log *slog.Logger) *Handler {
	return &Handler{spool: spool, open: open, answers: answers, log: log}
}

// Run answers a query. If Mixpanel asks to wait, it fails, because a client waits: the error says until when.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	q := a.Record.Query
	ws, err := h.open(q, filepath.Join(h.spool, a.Record.ID), h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return jobs.Permanent(err)
	}
	if q.Profiles != nil {
		return h.profiles(ctx, a, ws, q.Profiles)
	}
	rows, verified, err := asked(ctx, a, ws, q)
	if err == nil {
		q.SQL, q.Params, err = rows.Statement()
	}
	if err != nil {
		return jobs.Permanent(workspace.Later(err))
	}
	if err := h.answers.Answer(ctx, a, q); err != nil {
		return err
	}
	if verified != nil {
		result := *a.Found()
		result.Verified = verified
		a.SetResult(result)
	}
	return nil
}

// statement is an answer as a statement that returns its rows.
type statement interface {
	Statement() (sql string, params map[string]string, err error)
}

// asked asks Mixpanel, for at most the timeout of the query. For a comparison it also returns the summary.
func asked(ctx context.Context, a *jobs.Attempt, ws *workspace.Workspace, q jobs.Query) (statement, *jobs.Verified, error) {
	if q.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, q.Timeout, fault.New(fault.CodeFailed,
			"increase --timeout", "Mixpanel took longer than %s to answer", q.Timeout))
		defer cancel()
	}
	if q.Verify == nil {
		found, err := ws.Ask(ctx, q.Ask.Question)
		a.Report(jobs.Progress{Requests: found.Requests})
		return &found, nil, err
	}
	found, err := ws.Verify(ctx, workspace.VerifyRequest{Table: q.Verify.Table, Days: q.Verify.Days})
	a.Report(jobs.Progress{Requests: found.Requests})
	return &found, &jobs.Verified{
		Days: found.Days, Events: found.Events, Differences: len(found.Differences), Repair: found.Repair(),
		Only: found.Only, Requests: found.Requests, Warnings: found.Warnings,
	}, err
}

// profiles stores profiles as lines.
func (h *Handler) profiles(ctx context.Context, a *jobs.Attempt, ws *workspace.Workspace, p *jobs.Profiles) error {
	return h.answers.Store(ctx, a, func(w io.Writer) (int64, error) {
		n, unreadable, err := ws.WriteProfiles(ctx, workspace.StreamRequest{Profiles: p.Filter, Since: p.Since}, p.Raw, w)
		a.Report(jobs.Progress{Rows: n - unreadable, Quarantined: unreadable})
		return n - unreadable, workspace.Later(err)
	})
}
