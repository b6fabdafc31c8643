// Package ask runs queries that ask Mixpanel: a workspace asks, and the handler of other queries stores the answer. It
// connects the two.
package ask

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"

	"mixduck/jobs"
	"mixduck/workspace"
)

// Opener makes the workspace of a question; spool is the directory for responses. Errors are permanent.
type Opener func(q jobs.Query, spool string, log *slog.Logger) (*workspace.Workspace, error)

// answerer stores the rows of a query.
type answerer interface {
	Answer(ctx context.Context, a *jobs.Attempt, q jobs.Query) error
	Store(ctx context.Context, a *jobs.Attempt, write func(io.Writer) (rows int64, err error)) error
}

// Handler runs all queries. It is a [jobs.Handler].
type Handler struct {
	spool   string // each job uses its own subdirectory
	open    Opener
	answers answerer
	others  jobs.Handler
	log     *slog.Logger
}

// New returns a handler. Queries that do not ask Mixpanel go to others.
func New(spool string, open Opener, answers answerer, others jobs.Handler, log *slog.Logger) *Handler {
	return &Handler{spool: spool, open: open, answers: answers, others: others, log: log}
}

// Run answers a query. If Mixpanel asks to wait, it fails, because a client waits: the error says until when.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	q := a.Record.Query
	if q.Ask == nil && q.Profiles == nil {
		return h.others.Run(ctx, a)
	}
	ws, err := h.open(q, filepath.Join(h.spool, a.Record.ID), h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return jobs.Permanent(err)
	}
	if q.Profiles != nil {
		return h.profiles(ctx, a, ws, q.Profiles)
	}
	found, err := ws.Ask(ctx, q.Ask.Question)
	a.Report(jobs.Progress{Requests: found.Requests})
	if err == nil {
		q.SQL, q.Params, err = found.Statement()
	}
	if err != nil {
		return jobs.Permanent(workspace.Later(err))
	}
	return h.answers.Answer(ctx, a, q)
}

// profiles stores profiles as lines.
func (h *Handler) profiles(ctx context.Context, a *jobs.Attempt, ws *workspace.Workspace, p *jobs.Profiles) error {
	return h.answers.Store(ctx, a, func(w io.Writer) (int64, error) {
		n, unreadable, err := ws.WriteProfiles(ctx, workspace.StreamRequest{Profiles: p.Filter, Since: p.Since}, p.Raw, w)
		a.Report(jobs.Progress{Rows: n - unreadable, Quarantined: unreadable})
		return n - unreadable, workspace.Later(err)
	})
}
