package page

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/web/page/answer"
	"mixduck/web/page/check"
)

// comparison is a check of an answer against Mixpanel's numbers.
type comparison struct {
	check.Result

	Job string `json:"job"` // that asked Mixpanel
}

// checkAnswer asks Mixpanel for the numbers of an answer, and shows both.
func (p *Page) checkAnswer(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx := r.Context()
	job, err := b.statement(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	c, err := b.checkOf(ctx, job, p.cfg.Now())
	if err != nil {
		return err
	}
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(l.projects, func(p jobs.ProjectInfo) bool { return p.Database == job.Database })
	if i < 0 {
		return fault.New(fault.CodeNotFound, "choose the database of a project", "no project has the database %s", job.Database)
	}
	ctx, stop := context.WithTimeout(ctx, checkTakes)
	defer stop()
	asked, err := p.await(ctx, b, jobs.Query{Database: job.Database, Format: jobs.FormatRows, Attended: true, Ask: &jobs.Ask{
		Project: strconv.FormatInt(l.projects[i].ID, 10), Question: c.Ask,
	}})
	if err != nil {
		return err
	}
	p.goOn(w, r, "/ask/"+url.PathEscape(job.ID)+"?check="+asked.ID, newJobLine(asked, nil, p.cfg.Now()))
	return nil
}

// checkOf returns how an answer is compared with Mixpanel's numbers.
func (b *Backend) checkOf(ctx context.Context, job jobs.Record, now time.Time) (check.Check, error) {
	a, err := newAnswer(ctx, b, job, 1, now)
	if err != nil {
		return check.Check{}, err
	}
	if c, ok := a.check(formOf(job.Query)); ok {
		return c, nil
	}
	if a.Gone != "" {
		return check.Check{}, fault.New(fault.CodeNotFound, "run the query again", "%s", a.Gone)
	}
	return check.Check{}, fault.Usage(check.Possible, "this answer cannot be compared with Mixpanel's numbers")
}

// check returns how the answer to a form is compared with Mixpanel's numbers; false if it cannot be.
func (a *askAnswer) check(f askForm) (check.Check, bool) {
	if a.all == nil {
		return check.Check{}, false
	}
	return check.Of(f.Question, f.Params, a.all)
}

// compare compares all rows of an answer with those of a question to Mixpanel.
func compare(ctx context.Context, b *Backend, f askForm, a *askAnswer, id string) (*comparison, error) {
	job, err := b.Queue.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	c, ok := a.check(f)
	if !ok || job.Query.Ask == nil || !reflect.DeepEqual(job.Query.Ask.Question, c.Ask) || job.Database != f.Database || job.Result == nil {
		return nil, fault.New(fault.CodeNotFound, "check the answer again", "job %s did not ask for the numbers of this answer", job.ID)
	}
	var theirs [][]answer.Cell
	err = b.rows(ctx, job, func(row []answer.Cell) bool {
		theirs = append(theirs, row)
		return true
	})
	if err != nil {
		return nil, err
	}
	found, err := c.Compare(a.all, theirs)
	if err != nil {
		return nil, err
	}
	return &comparison{found, job.ID}, nil
}
