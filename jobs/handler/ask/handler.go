// Package ask runs queries that ask Mixpanel: a workspace asks, and the handler of other queries stores the answer. What it knows is how
// the one becomes the other.
package ask

import (
	"context"
	"errors"
	"log/slog"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/workspace"
)

// Opener makes the workspace of a question. Errors are permanent.
type Opener func(q jobs.Query, log *slog.Logger) (*workspace.Workspace, error)

// answerer stores the rows of a query.
type answerer interface {
	Answer(ctx context.Context, a *jobs.Attempt, q jobs.Query) error
}

// Handler runs all queries. It is a [jobs.Handler].
type Handler struct {
	open    Opener
	answers answerer
	others  jobs.Handler
	log     *slog.Logger
}

// New returns a handler. Queries that do not ask Mixpanel go to others.
func New(open Opener, answers answerer, others jobs.Handler, log *slog.Logger) *Handler {
	return &Handler{open: open, answers: answers, others: others, log: log}
}

// Run answers a query. A question that Mixpanel makes wait fails, as somebody waits for it: the error says until when.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	q := a.Record.Query
	if q.Ask == nil {
		return h.others.Run(ctx, a)
	}
	found, err := h.ask(ctx, a, q)
	a.Report(jobs.Progress{Requests: found.Requests})
	if err == nil {
		q.SQL, q.Params, err = found.Statement()
	}
	if err != nil {
		return jobs.Permanent(err)
	}
	return h.answers.Answer(ctx, a, q)
}

func (h *Handler) ask(ctx context.Context, a *jobs.Attempt, q jobs.Query) (workspace.Answer, error) {
	ws, err := h.open(q, h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return workspace.Answer{}, err
	}
	found, err := ws.Ask(ctx, q.Ask.Question)
	if pause, ok := errors.AsType[*workspace.PauseError](err); ok {
		err = fault.New(fault.CodeRateLimited, "run it again after "+pause.Until.UTC().Format("15:04 MST"), "%w", err)
	}
	return found, err
}
