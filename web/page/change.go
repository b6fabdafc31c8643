package page

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
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

// goOn responds to a change: it redirects browsers to a page, which shows the change, so that reloading does not repeat it.
func (p *Page) goOn(w http.ResponseWriter, r *http.Request, path string, result any) {
	p.looks.forget()
	if !wantsHTML(r) {
		p.writeJSON(w, result)
		return
	}
	http.Redirect(w, r, p.cfg.Base+path, http.StatusSeeOther) //nolint:gosec // path begins with the path of a view
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

// maxChosen is how many jobs can be changed at once: those of a page.
const maxChosen = jobsAPage

// changeJobs cancels or retries the chosen jobs.
func (p *Page) changeJobs(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx, action := r.Context(), r.PathValue("action")
	change := map[string]func(context.Context, string) (jobs.Record, error){"cancel": b.Queue.Cancel, "retry": b.Queue.Retry}[action]
	if change == nil {
		return fault.New(fault.CodeNotFound, "cancel or retry", "jobs have no action %q", action)
	}
	if err := r.ParseForm(); err != nil {
		return fault.Usage("send a form", "the form cannot be read: %w", err)
	}
	ids := r.PostForm["id"]
	switch {
	case len(ids) == 0:
		return fault.Usage("choose jobs of the list", "no job was chosen")
	case len(ids) > maxChosen:
		return fault.Usage("choose fewer", "%d jobs were chosen; at most %d can be changed at once", len(ids), maxChosen)
	}
	lines := []jobLine{}
	var refused []string
	for _, id := range ids {
		job, err := change(ctx, id)
		if code := fault.CodeOf(err); code == fault.CodeUsage || code == fault.CodeNotFound { // it has ended, or was deleted
			refused = append(refused, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		lines = append(lines, newJobLine(job, nil, p.cfg.Now()))
	}
	if len(refused) > 0 {
		return fault.Usage("reload the list of jobs", "%s changed, %d not: %s", wording.Counted(int64(len(lines)), "job"), len(refused), strings.Join(refused, "; "))
	}
	q, err := url.ParseQuery(r.PostForm.Get("query"))
	if err != nil {
		return fault.Usage("send the query of the list", "the query cannot be read: %w", err)
	}
	p.goOn(w, r, "/jobs?"+q.Encode(), lines)
	return nil
}

// changeSchedule pauses, resumes, runs or removes a schedule.
func (p *Page) changeSchedule(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx, name := r.Context(), r.PathValue("name")
	switch action := r.PathValue("action"); action {
	case "pause", "resume":
		if _, err := b.Schedules.Pause(ctx, name, action == "pause"); err != nil {
			return err
		}
		return p.goOnToSchedule(w, r, b, name)
	case "remove":
		s, err := b.Schedules.Get(ctx, name, p.cfg.Now())
		if err != nil {
			return err
		}
		return p.removeSchedule(w, r, b, s)
	case "run":
		job, err := b.Schedules.Run(ctx, name)
		if err == nil {
			p.goOn(w, r, "/jobs/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
		}
		return err
	default:
		return fault.New(fault.CodeNotFound, "pause, resume, run or remove", "schedules have no action %q", action)
	}
}
