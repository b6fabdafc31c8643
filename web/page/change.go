package page

import (
	"net/http"
	"net/url"

	"mixduck/internal/fault"
)

// change calls h for a request that changes something, and has at most the given number of bytes. h answers if it returns nil.
func (p *Page) change(most int64, h func(http.ResponseWriter, *http.Request, *Backend) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, most)
		b, err := p.connected()
		if err == nil {
			err = h(w, r, b)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// goOn responds to a change: it redirects browsers to a page, so that reloading does not repeat the change.
func (p *Page) goOn(w http.ResponseWriter, r *http.Request, path string, result any) {
	if !wantsHTML(r) {
		p.writeJSON(w, result)
		return
	}
	http.Redirect(w, r, p.cfg.Base+path, http.StatusSeeOther)
}

func (p *Page) cancelJob(w http.ResponseWriter, r *http.Request, b *Backend) error {
	job, err := b.Queue.Cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p.goOn(w, r, "/jobs/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
	return nil
}

func (p *Page) retryJob(w http.ResponseWriter, r *http.Request, b *Backend) error {
	job, err := b.Queue.Retry(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p.goOn(w, r, "/jobs/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
	return nil
}

// changeSchedule pauses, resumes or runs a schedule.
func (p *Page) changeSchedule(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx, name := r.Context(), r.PathValue("name")
	switch action := r.PathValue("action"); action {
	case "pause", "resume":
		if _, err := b.Schedules.Pause(ctx, name, action == "pause"); err != nil {
			return err
		}
	case "run":
		job, err := b.Schedules.Run(ctx, name)
		if err != nil {
			return err
		}
		p.goOn(w, r, "/jobs/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
		return nil
	default:
		return fault.New(fault.CodeNotFound, "pause, resume or run", "schedules have no action %q", action)
	}
	now := p.cfg.Now()
	s, err := b.Schedules.Get(ctx, name, now)
	if err != nil {
		return err
	}
	line, err := newScheduleLine(ctx, b, s, nil, now)
	if err == nil {
		p.goOn(w, r, "/schedules/"+url.PathEscape(name), line)
	}
	return err
}
