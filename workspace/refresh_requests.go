package workspace

import (
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"mixduck/mixpanel"
)

// ledger says where a request is counted. The zero value counts nothing.
type ledger struct {
	budget budget // nil means no limit
	free   bool   // Mixpanel does not count the request, but its response may describe the budget
}

// counted is for requests that the Query API counts, paged for those for further pages of a session, which it does not
// count, and looked up for those of Lexicon.
func (f *refreshing) counted() ledger  { return ledger{budget: f.cfg.QueryBudget} }
func (f *refreshing) paged() ledger    { return ledger{budget: f.cfg.QueryBudget, free: true} }
func (f *refreshing) lookedUp() ledger { return ledger{budget: f.cfg.LexiconBudget} }

// ask sends one request until it succeeds, or fails for good.
func (f *refreshing) ask(ctx context.Context, l ledger, send func() error) error {
	for try := 0; ; try++ {
		err := f.send(ctx, l, send)
		if err == nil {
			return nil
		}
		wait, err := f.settle(ctx, l, try, err)
		if err != nil {
			return err
		}
		f.update(func(p *Progress) { p.Retries++ })
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errMostRequests means that as many requests were sent as allowed.
var errMostRequests = errors.New("too many requests are necessary")

func (f *refreshing) send(ctx context.Context, l ledger, send func() error) error {
	if l.budget != nil && !l.free {
		release, err := l.budget.Acquire(ctx, f.cfg.Project.ID)
		if err != nil {
			return err
		}
		defer release()
	}
	if sent := f.sent.Add(1); f.most > 0 && sent > f.most {
		f.sent.Add(-1)
		return errMostRequests
	}
	return send()
}

// longestBusy is the maximum wait, within a fetch, for other requests of the project to finish.
const longestBusy = 30 * time.Second

// settle decides what to do after a failed request: how long to wait before a retry, or with which error the fetch
// ends.
func (f *refreshing) settle(ctx context.Context, l ledger, try int, err error) (wait time.Duration, _ error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var later interface{ RetryAt() time.Time }
	if errors.As(err, &later) {
		return 0, &PauseError{Until: later.RetryAt(), Err: err}
	}
	api, isAPI := errors.AsType[*mixpanel.Error](err)
	busy := isAPI && api.Reason == mixpanel.ReasonBusy && api.After <= longestBusy && try < f.cfg.WindowTries
	switch {
	case busy:
		return api.After, nil
	case isAPI && api.Action == mixpanel.Pause:
		until := f.cfg.Now().Add(api.After)
		if l.budget != nil {
			l.budget.Heard(ctx, f.cfg.Project.ID, 0, until)
		}
		return 0, &PauseError{Until: until, Err: err}
	case errors.Is(err, errMostRequests), isAPI && api.Reason == mixpanel.ReasonSession, Permanent(err), try+1 >= f.cfg.WindowTries:
		return 0, err
	}
	wait = f.cfg.RetryDelay << try
	if isAPI {
		wait = max(wait, api.After)
	}
	f.update(func(p *Progress) { p.Trouble = err.Error() })
	f.log.LogAttrs(ctx, slog.LevelWarn, "request will be sent again", slog.String("kind", f.stream.name), slog.Duration("after", wait), slog.Any("err", err))
	return wait + mathrand.N(wait/4+1), nil
}
