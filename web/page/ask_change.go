package page

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

const (
	maxAskForm  = 1 << 20                // a statement has at most 256 KB; encoded, a byte can take three
	askedFor    = 500 * time.Millisecond // quick queries are answered by the page that follows the form
	downloadGap = time.Minute            // a client must read a part of a download within this time
)

// ask runs the query of the form, and goes on to its page.
func (p *Page) ask(w http.ResponseWriter, r *http.Request, b *Backend) error {
	f, err := readAskForm(r)
	if err != nil {
		return err
	}
	switch r.Form.Get("action") {
	case "explain":
		f.SQL = "EXPLAIN " + f.SQL
	case "names":
		return p.loadNames(w, r, b, f)
	case "save":
		return p.saveQuestion(w, r, b, f)
	}
	q, err := f.query(jobs.FormatRows, maxRows)
	q.NestedJSON = true
	var job jobs.Record
	if err == nil {
		job, err = p.submit(r.Context(), b, q)
	}
	if fault.CodeOf(err) == fault.CodeUsage {
		return p.refuse(w, r, b, f, err)
	}
	if err != nil {
		return err
	}
	if token := sessionOf(r); token != "" {
		if err := b.Sessions.Remember(r.Context(), token, job.ID); err != nil {
			return err
		}
	}
	p.visits.extend(b.Queue, job.ID)
	waiting, stop := context.WithTimeout(r.Context(), askedFor)
	defer stop()
	_ = b.Queue.Watch(waiting, job.ID, func(now jobs.Record) { job = now }) // the page shows how far it is
	p.goOn(w, r, "/ask/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
	return nil
}

// errNoStatement means that a form has no SQL.
var errNoStatement = fault.Usage("SELECT event_name, count(*) FROM events GROUP BY ALL", "there is no statement")

// submit submits a query, if a worker can run it.
func (p *Page) submit(ctx context.Context, b *Backend, q jobs.Query) (jobs.Record, error) {
	if strings.TrimSpace(q.SQL) == "" {
		return jobs.Record{}, errNoStatement
	}
	if err := q.Validate(); err != nil {
		return jobs.Record{}, err
	}
	workers, err := b.Queue.Workers(ctx)
	if err != nil {
		return jobs.Record{}, err
	}
	if !jobs.Serves(workers, q.Database, jobs.KindQuery) {
		return jobs.Record{}, fault.New(fault.CodeFailed, "start a worker, or choose another database", "%s", status.Nobody(jobs.Record{Database: q.Database}))
	}
	return b.Queue.Submit(ctx, jobs.Request{Kind: jobs.KindQuery, Query: q})
}

// refuse shows the form again, with what is wrong with it.
func (p *Page) refuse(w http.ResponseWriter, r *http.Request, b *Backend, f askForm, why error) error {
	if !wantsHTML(r) {
		return why
	}
	a, err := p.askPage(r.Context(), b, r, f)
	if err != nil {
		return err
	}
	a.Problem = newFailure(http.StatusBadRequest, why)
	p.write(w, r, a.Problem.Status, askView, a)
	return nil
}

func (p *Page) cancelAsk(w http.ResponseWriter, r *http.Request, b *Backend) error {
	job, err := b.statement(r.Context(), r.PathValue("id"))
	if err == nil {
		job, err = b.Queue.Cancel(r.Context(), job.ID)
	}
	if err != nil {
		return err
	}
	p.goOn(w, r, "/ask/"+url.PathEscape(job.ID), newJobLine(job, nil, p.cfg.Now()))
	return nil
}

// downloads are the media types of the formats that can be downloaded.
var downloads = map[jobs.Format]string{
	jobs.FormatCSV: "text/csv; charset=utf-8", jobs.FormatJSON: "application/json", jobs.FormatJSONL: "application/jsonl",
	jobs.FormatParquet: "application/vnd.apache.parquet",
}

// download runs the query of a job again, without a limit, and sends the result. If the client goes away, the query ends.
func (p *Page) download(w http.ResponseWriter, r *http.Request, b *Backend) error {
	format := jobs.Format(r.FormValue("as"))
	kind, ok := downloads[format]
	if !ok {
		return fault.Usage("csv, parquet, json or jsonl", "%q is no format of a download", wording.Printable(string(format)))
	}
	job, err := b.statement(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // those of the server are for short requests
	_ = control.SetWriteDeadline(time.Time{})
	again, err := p.run(ctx, b, jobs.Query{Database: job.Database, SQL: job.Query.SQL, Params: job.Query.Params, Format: format})
	if err != nil {
		return err
	}
	content, err := b.Queue.OpenResult(ctx, again)
	if err != nil {
		return err
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", attachment("mixduck-"+job.ID+"."+string(format)))
	h.Set("Content-Length", strconv.FormatInt(again.Result.Bytes, 10)) // shows clients whether the file is complete
	n, err := io.Copy(&patient{w, control}, content)
	if err != nil && n == 0 {
		for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Length"} {
			h.Del(name)
		}
		return err
	}
	if err != nil {
		p.log.Warn("download was not completed", slog.String("job_id", again.ID), slog.Any("err", err))
	}
	return nil
}

// run runs a query to its end while the client waits. It returns the record of a query with a result.
func (p *Page) run(ctx context.Context, b *Backend, q jobs.Query) (jobs.Record, error) {
	q.Attended = true
	job, err := p.submit(ctx, b, q)
	if err != nil {
		return job, err
	}
	return p.waitFor(ctx, b, job)
}

// await does the same for a query without SQL.
func (p *Page) await(ctx context.Context, b *Backend, q jobs.Query) (jobs.Record, error) {
	job, err := b.Queue.Submit(ctx, jobs.Request{Kind: jobs.KindQuery, Query: q})
	if err != nil {
		return job, err
	}
	return p.waitFor(ctx, b, job)
}

// waitFor waits for a query while the client does, and returns its final record. Otherwise it cancels the query.
func (p *Page) waitFor(ctx context.Context, b *Backend, job jobs.Record) (jobs.Record, error) {
	id := job.ID
	attending, leave := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer leave()
	running.Go(func() { b.Queue.Attend(attending, id) })
	running.Go(func() {
		select {
		case <-p.closed:
			leave()
		case <-attending.Done():
		}
	})
	err := b.Queue.Watch(attending, id, func(now jobs.Record) { job = now })
	switch {
	case attending.Err() != nil:
		own, stop := context.WithTimeout(context.WithoutCancel(ctx), lookTakes)
		defer stop()
		_, cancelErr := b.Queue.Cancel(own, id)
		return job, errors.Join(errStopping, cancelErr)
	case err != nil:
		return job, err
	case job.State == jobs.StateFailed && job.Failure != nil:
		return job, fault.New(job.Failure.Code, job.Failure.Hint, "%s", job.Failure.Message)
	case job.State != jobs.StateDone:
		return job, fault.New(fault.CodeFailed, "download it again", "the query was cancelled")
	}
	return job, nil
}

// errStopping means that a worker stops.
var errStopping = fault.New(fault.CodeFailed, "try again in a moment", "the worker is stopping")

// patient writes to a client that may be slow, but must go on.
type patient struct {
	w       io.Writer
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(downloadGap))
	return p.w.Write(b)
}

// attachment returns the value of the header Content-Disposition for a file name.
func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}
