package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"mixduck/analysis"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
	"mixduck/web/page/answer"
)

var (
	askView    = &view{name: "ask", title: "Ask", tab: "ask", build: buildAsk}
	answerView = &view{
		name: "ask", title: "Ask", tab: "ask", build: buildAnswer, parts: []string{"answer"}, done: answered,
		during: func(ctx context.Context, b *Backend, id string) { b.Queue.Attend(ctx, strings.ToUpper(id)) },
	}
)

// askPage is the form for a query and, if one was run, its answer.
type askPage struct {
	askForm

	Fields    []field        `json:"-"` // of a ready-made question
	About     string         `json:"about,omitempty"`
	Title     string         `json:"title,omitempty"`
	Questions []questionLink `json:"questions"`
	Saves     []savedLink    `json:"saved_questions"`
	Databases []string       `json:"databases"`
	Tables    []tableLine    `json:"tables"` // of the database
	Recent    []recent       `json:"recent"` // queries of the session
	Answer    *askAnswer     `json:"answer,omitempty"`
	Problem   *failure       `json:"problem,omitempty"` // why the form was not accepted
	Invisible bool           `json:"-"`                 // the statement has characters that nobody sees
	Known     names          `json:"-"`                 // names that the form suggests
}

// askForm is what a person asks: a statement, or a ready-made question.
type askForm struct {
	Database string              `json:"database"`
	Question string              `json:"question,omitempty"` // name; "" for a statement
	SQL      string              `json:"sql"`
	Params   map[string][]string `json:"params,omitempty"` // those of type events have several values
	Saved    string              `json:"saved,omitempty"`  // name under which it was saved
}

// recent is a query that the session has run.
type recent struct {
	ID    string     `json:"id"`
	What  string     `json:"what"`
	State jobs.State `json:"state"`
}

// Names returns the parameters of the statement.
func (f askForm) Names() []string { return answer.Parameters(f.SQL) }

// Value returns the value of a parameter.
func (f askForm) Value(name string) string { return strings.Join(f.Params[name], " ") }

// statement returns f with the statement and the parameters of its question, if it has one.
func (f askForm) statement() (askForm, error) {
	if f.Question == "" {
		return f, nil
	}
	sql, values, err := analysis.Statement(f.Question, f.Params, day.Of(time.Now().UTC()))
	if err != nil {
		return f, err
	}
	f.Question, f.SQL, f.Params = "", sql, map[string][]string{}
	for name, value := range values {
		f.Params[name] = []string{value}
	}
	return f, nil
}

// query returns the payload of the job that answers f.
func (f askForm) query(format jobs.Format, limit int64) (jobs.Query, error) {
	f, err := f.statement()
	q := jobs.Query{Database: f.Database, SQL: f.SQL, Format: format, Limit: limit, Attended: true}
	for _, name := range f.Names() {
		if values, ok := f.Params[name]; ok {
			if q.Params == nil {
				q.Params = map[string]string{}
			}
			q.Params[name] = values[0]
		}
	}
	return q, err
}

// formOf returns the form of a query that was run.
func formOf(q jobs.Query) askForm {
	f := askForm{Database: q.Database, SQL: q.SQL, Params: map[string][]string{}}
	for name, value := range q.Params {
		f.Params[name] = []string{value}
	}
	for _, known := range analysis.Questions() {
		if known.SQL == q.SQL {
			return f.of(known)
		}
	}
	return f
}

// command returns the command that asks the same.
func (f askForm) command() string { return answer.Command(f.Database, f.Question, f.SQL, f.Params) }

// paramPrefix is the prefix of the form fields of parameters.
const paramPrefix = "p."

// readAskForm returns the form in the URL or the body of a request.
func readAskForm(r *http.Request) (askForm, error) {
	if err := r.ParseForm(); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return askForm{}, fault.Usage("use parameters or a shorter statement", "the form is too long; a statement has at most 256 KB")
		}
		return askForm{}, fault.Usage("send a form", "the form cannot be read: %w", err)
	}
	f := askForm{Database: r.Form.Get("database"), Question: r.Form.Get("question"), Params: map[string][]string{}}
	if f.Question == "" {
		// Browsers send line ends as CR LF. DuckDB would count the CR as a character of the line.
		f.SQL = strings.ReplaceAll(r.Form.Get("sql"), "\r\n", "\n")
	}
	for key, values := range r.Form {
		if name, ok := strings.CutPrefix(key, paramPrefix); ok {
			f.Params[name] = values
		}
	}
	return f, nil
}

func buildAsk(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	f, err := readAskForm(r)
	if err == nil && r.Form.Has("saved") {
		var s jobs.SavedQuestion
		s, err = b.saved(ctx, r.Form.Get("saved"))
		f = savedForm(s)
	}
	if err != nil {
		return nil, err
	}
	var wrong error
	if r.Form.Get("as") == "sql" {
		f, wrong = f.statement()
	}
	a, err := p.askPage(ctx, b, r, f)
	if err == nil && wrong != nil {
		a.Problem = newFailure(http.StatusBadRequest, wrong)
	}
	return a, err
}

// askPage returns the page with a form.
func (p *Page) askPage(ctx context.Context, b *Backend, r *http.Request, f askForm) (*askPage, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	a := &askPage{askForm: f, Databases: databases(l), Recent: []recent{}, Tables: []tableLine{}}
	a.Database = cmp.Or(a.Database, mainDatabase(l))
	if a.Database != "" && !slices.Contains(a.Databases, a.Database) {
		a.Databases = append(a.Databases, a.Database)
	}
	for _, t := range l.tables {
		if t.State.Database == a.Database {
			a.Tables = append(a.Tables, newTableLine(t))
		}
	}
	if err := a.fill(l.at); err != nil {
		return nil, err
	}
	saves, err := b.Queue.SavedQuestions(ctx)
	if err != nil {
		return nil, err
	}
	a.Saves = make([]savedLink, 0, len(saves))
	for _, s := range saves {
		a.Saves = append(a.Saves, savedLink{s.Name, savedQuery(s.Name), s.Name == f.Saved})
	}
	a.Known = p.names.of(a.Database)
	a.Invisible = wording.Text(a.SQL) != a.SQL
	if token := sessionOf(r); token != "" {
		a.Recent, err = recentQueries(ctx, b, token)
	}
	return a, err
}

// databases returns the names of all known databases.
func databases(l *look) []string {
	var names []string
	for _, t := range l.tables {
		names = append(names, t.State.Database)
	}
	for _, p := range l.projects {
		names = append(names, p.Database)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mainDatabase returns the database with the most rows.
func mainDatabase(l *look) string {
	var name string
	most := int64(-1)
	for _, t := range l.tables {
		if t.State.Rows > most {
			name, most = t.State.Database, t.State.Rows
		}
	}
	if name == "" && len(l.projects) > 0 {
		name = l.projects[0].Database
	}
	return name
}

// sessionOf returns the token of the session of a request; "" for requests with the token of the settings.
func sessionOf(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil || r.Header.Get("Authorization") != "" {
		return ""
	}
	return cookie.Value
}

// titleOf returns the title of the ready-made question that a query answers, or the start of its statement.
func titleOf(job jobs.Record) string {
	if q, err := analysis.Find(formOf(job.Query).Question); err == nil {
		return q.Title
	}
	return status.What(job)
}

// recentQueries returns the last queries of a session.
func recentQueries(ctx context.Context, b *Backend, token string) ([]recent, error) {
	ids, err := b.Sessions.Recent(ctx, token)
	if err != nil {
		return nil, err
	}
	known, err := b.Queue.JobsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := []recent{}
	for _, id := range ids {
		if job, ok := known[id]; ok { // otherwise it was deleted
			all = append(all, recent{ID: id, What: titleOf(job), State: job.State})
		}
	}
	return all, nil
}
