package page

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/web/page/answer"
)

const (
	rowsAPage  = 100
	maxRows    = 100_000          // of an answer on the page; downloads have all rows
	readTakes  = 30 * time.Second // at most, to read the rows of a page
	checkTakes = 50 * time.Second // at most, to ask Mixpanel
	visitLasts = 5 * time.Second  // a query goes on for so long after a visit; JavaScript then listens, or the browser reloads
)

// askAnswer is a query and how far it is.
type askAnswer struct {
	jobLine

	Format    jobs.Format     `json:"format"`
	Columns   []jobs.Column   `json:"columns,omitempty"`
	Rows      [][]answer.Cell `json:"rows,omitempty"` // of the page; texts, numbers with all digits and JSON, or null
	From      int64           `json:"from"`           // number of the first row on the page, from 1; 0: none
	To        int64           `json:"to"`             // number of the last row on the page
	Total     int64           `json:"total"`          // rows of the result
	Truncated bool            `json:"truncated"`      // the query has more rows than the result
	Page      int64           `json:"page"`           // from 1
	Pages     int64           `json:"pages"`
	Gone      string          `json:"gone,omitempty"` // why there are no rows
	Message   string          `json:"-"`              // of the failure, without the place
	Place     *answer.Place   `json:"place,omitempty"`
	Command   string          `json:"command"` // that asks the same
	Plan      string          `json:"-"`       // of EXPLAIN
	Plot      *answer.Plot    `json:"-"`       // nil: the rows have no shape that can be drawn
	Expires   time.Time       `json:"expires,omitzero"`
	Check     bool            `json:"can_check"` // its numbers can be compared with Mixpanel's
	Checked   *comparison     `json:"checked,omitempty"`

	all [][]answer.Cell // all rows, if they are few
}

// answered reports whether a query has ended.
func answered(data any) bool {
	a, ok := data.(*askPage)
	return ok && a.Answer != nil && a.Answer.State.Final()
}

func buildAnswer(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	job, err := b.statement(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f := formOf(job.Query)
	a := &askPage{askForm: f}
	if r.Header.Get("Accept") != "text/event-stream" { // a stream sends the answer only
		if a, err = p.askPage(ctx, b, r, f); err != nil {
			return nil, err
		}
		if !job.State.Final() && job.Query.Attended {
			p.visits.extend(b.Queue, job.ID)
		}
	}
	number := int64(1)
	if text := r.URL.Query().Get("page"); text != "" {
		if number, err = strconv.ParseInt(text, 10, 64); err != nil || number < 1 {
			return nil, fault.Usage("a number from 1", "%q is no page", wording.Printable(text))
		}
	}
	if a.Answer, err = newAnswer(ctx, b, job, number, p.cfg.Now()); err != nil {
		return nil, err
	}
	_, a.Answer.Check = a.Answer.check(f)
	if id := r.URL.Query().Get("check"); id != "" {
		a.Answer.Checked, err = compare(ctx, b, f, a.Answer, id)
	}
	return a, err
}

// statement returns the job of a query that a person wrote.
func (b *Backend) statement(ctx context.Context, id string) (jobs.Record, error) {
	job, err := b.Queue.Job(ctx, id)
	if err == nil && (job.Kind != jobs.KindQuery || job.Query.SQL == "") {
		err = fault.New(fault.CodeNotFound, "enqueue jobs show "+job.ID, "job %s is not an SQL query", job.ID)
	}
	return job, err
}

// newAnswer returns a page of the answer of a job.
func newAnswer(ctx context.Context, b *Backend, job jobs.Record, number int64, now time.Time) (*askAnswer, error) {
	a := &askAnswer{jobLine: newJobLine(job, nil, now), Format: job.Query.Format, Command: formOf(job.Query).command(), Page: number}
	if job.Failure != nil {
		a.Message, a.Place = answer.Locate(job.Failure.Message, job.Query.SQL)
	}
	if job.State != jobs.StateDone || job.Result == nil {
		return a, nil
	}
	result := *job.Result
	a.Columns, a.Total, a.Truncated, a.Expires = result.Columns, result.Rows, result.Truncated, result.Expires
	if !answer.Readable(job.Query.Format) {
		a.Gone = "The rows are stored as " + string(job.Query.Format) + ", which the page cannot show."
		return a, nil
	}
	if a.Pages = max(1, (result.Rows+rowsAPage-1)/rowsAPage); number > a.Pages {
		return nil, fault.New(fault.CodeNotFound, "the last one is page "+strconv.FormatInt(a.Pages, 10), "the answer has no page %d", number)
	}
	if err := a.read(ctx, b, job); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		a.Gone = err.Error() // the query and its statement can still be seen
		a.Rows = nil
	}
	if len(a.Columns) == 2 && a.Columns[0].Name == "explain_key" && len(a.Rows) == 1 && a.Rows[0][1] != nil {
		a.Plan = *a.Rows[0][1]
	}
	a.To = a.From + int64(len(a.Rows)) - 1
	if len(a.Rows) == 0 {
		a.From, a.To = 0, 0
	}
	return a, nil
}

// rows calls use with each row of the result of a query until it returns false.
func (b *Backend) rows(ctx context.Context, job jobs.Record, use func([]answer.Cell) bool) error {
	content, err := b.Queue.OpenResult(ctx, job)
	if err != nil {
		return err
	}
	defer content.Close()
	return answer.Rows(content, job.Query.Format, job.Result.Columns, use)
}

// read reads the rows of the page.
func (a *askAnswer) read(ctx context.Context, b *Backend, job jobs.Record) error {
	ctx, stop := context.WithTimeout(ctx, readTakes)
	defer stop()
	first := (a.Page - 1) * rowsAPage
	a.From = first + 1
	last, n := first+rowsAPage, int64(0)
	var drawn [][]answer.Cell
	draw := a.Total <= answer.MaxPlotRows && !a.Truncated
	err := b.rows(ctx, job, func(row []answer.Cell) bool {
		if n++; n > first && n <= last {
			a.Rows = append(a.Rows, row)
		}
		if draw {
			drawn = append(drawn, row)
		}
		return n < last || draw
	})
	if err == nil && draw {
		a.Plot, a.all = answer.NewPlot(a.Columns, drawn), drawn
	}
	return err
}

// clipped is a value as the grid shows it.
type clipped struct {
	Text string
	More int // characters that are left out
}

// maxCell is how many characters of a value the grid shows. The JSON of the page has all of them.
const maxCell = 240

func clip(c answer.Cell) clipped {
	text, n := wording.Text(*c), 0
	for i := range text {
		if n == maxCell {
			return clipped{text[:i], utf8.RuneCountInString(text[i:])}
		}
		n++
	}
	return clipped{Text: text}
}

// pageLink is a link to another page of rows.
type pageLink struct{ Href, Name, Rel string } // no Href: there is no such page, or it is this one

func newPageLink(a *askAnswer, number int64, name string) pageLink {
	link := pageLink{Name: name, Rel: map[string]string{"Next": "next", "Previous": "prev"}[name]}
	if number >= 1 && number <= a.Pages && number != a.Page {
		link.Href = "?page=" + strconv.FormatInt(number, 10)
	}
	return link
}

// rowsOfDay returns the URL query of a form for rows of a day of a table.
func rowsOfDay(database, table string, of day.Day) string {
	return url.Values{"database": {database}, "sql": {"FROM " + identifier(table) + "\nWHERE day = DATE '" + of.String() + "'\nLIMIT 100"}}.Encode()
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// firstRows returns the URL query of a form for the first rows of a table.
func firstRows(database, table string) string {
	return url.Values{"database": {database}, "sql": {"FROM " + identifier(table) + " LIMIT 100"}}.Encode()
}
