package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

// reader answers questions through the queue, each with a query job.
type reader struct {
	*app
	cfg      config.Config
	queue    *queue.Queue
	project  config.Project // if the project is asked, not a database
	database string         // full name

	byProject bool   // the database is that of the project named, or of the only one
	named     string // as typed

	detach bool // do not wait, print the job's ID
}

// Read implements [console.Reader]. If ctx ends, the job is cancelled.
func (r *reader) Read(ctx context.Context, q console.Question) (*console.Answer, error) {
	return r.answer(ctx, r.query(q))
}

// Today implements [console.Reader].
func (r *reader) Today(ctx context.Context) (day.Day, error) {
	zone := time.UTC
	if r.byProject {
		p, err := connect.Project(ctx, r.queue, r.cfg, r.named)
		if err != nil {
			return 0, err
		}
		zone = p.Location
	}
	return day.Of(r.Now().In(zone)), nil
}

// answer runs a job and returns its answer.
func (r *reader) answer(ctx context.Context, q jobs.Query) (*console.Answer, error) {
	job, err := r.submit(ctx, q)
	if err != nil {
		return nil, err
	}
	if r.detach {
		return nil, r.PrintLine(job.ID)
	}
	if job, err = r.attend(ctx, job); err != nil {
		return nil, err
	}
	return r.open(ctx, job)
}

// query returns the job payload for a question.
func (r *reader) query(q console.Question) jobs.Query {
	return jobs.Query{
		Database: r.database, SQL: q.SQL, Inspect: q.Inspect, Args: q.Args, Params: q.Params, Format: jobs.Format(q.Format),
		Limit: q.Limit, Timeout: q.Timeout, LockWait: q.LockWait, Attended: !r.detach,
	}
}

func (r *reader) submit(ctx context.Context, q jobs.Query) (jobs.Record, error) {
	job, err := r.queue.Submit(ctx, jobs.Request{Kind: jobs.KindQuery, Query: q})
	if err == nil && job.Unserved {
		fmt.Fprintf(r.Process.Stderr, "warning: %s; the query waits until one does\n", status.Nobody(job))
	}
	return job, err
}

// cancelTime limits how long it may take to tell the queue that the client stopped waiting.
const cancelTime = 2 * time.Second

// attend waits for the job. The job is cancelled if the wait ends early.
func (r *reader) attend(ctx context.Context, job jobs.Record) (jobs.Record, error) {
	attending, leave := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer leave()
	waiting.Go(func() { r.queue.Attend(attending, job.ID) })
	err := r.queue.Watch(ctx, job.ID, func(now jobs.Record) { job = now })
	if ctx.Err() != nil {
		own, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
		defer stop()
		_, cancelErr := r.queue.Cancel(own, job.ID)
		return job, errors.Join(fault.New(fault.CodeInterrupted, "", "interrupted; the query was cancelled"), cancelErr)
	}
	if err == nil {
		err = failureOfQuery(job)
	}
	return job, err
}

// failureOfQuery returns why a finished query has no result. The client knows which query it was.
func failureOfQuery(job jobs.Record) error {
	switch {
	case job.State == jobs.StateCancelled:
		return fault.New(fault.CodeFailed, "run it again", "the query was cancelled")
	case job.Failure != nil && job.State == jobs.StateFailed:
		return fault.New(job.Failure.Code, wording.Printable(job.Failure.Hint), "%s", wording.Text(job.Failure.Message))
	}
	return nil
}

// open returns the rows of a done job: from the volume if it is on this machine, otherwise through the queue.
func (r *reader) open(ctx context.Context, job jobs.Record) (*console.Answer, error) {
	if job.Result == nil {
		return nil, fmt.Errorf("%w: %s is %s", jobs.ErrNoResult, job.ID, job.State)
	}
	answer := &console.Answer{Rows: job.Result.Rows, Truncated: job.Result.Truncated}
	for _, c := range job.Result.Columns {
		answer.Columns = append(answer.Columns, console.Column(c))
	}
	var err error
	if file := r.local(job); file != nil {
		answer.Content = job.Result.Proven(file)
	} else {
		answer.Content, err = r.queue.OpenResult(ctx, job)
	}
	return answer, err
}

// local returns the file of a result if it is on this machine, otherwise nil. A file of another size is not the
// result.
func (r *reader) local(job jobs.Record) io.ReadCloser {
	volume, _, _ := strings.Cut(job.Database, "/")
	dir := r.cfg.VolumeDir(volume)
	if job.Result.File == "" || dir == "" {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, job.Result.File)) // its name contains the job's ID, so it is unique
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Size() != job.Result.Bytes {
		_ = f.Close()
		return nil
	}
	return f
}
