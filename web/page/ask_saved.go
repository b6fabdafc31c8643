package page

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// savedLink leads to the form of a saved question.
type savedLink struct {
	Name  string `json:"name"`
	Query string `json:"-"` // of its form
	On    bool   `json:"-"`
}

func savedQuery(name string) string { return url.Values{"saved": {name}}.Encode() }

// saved returns a saved question, or [jobs.ErrNoQuestion].
func (b *Backend) saved(ctx context.Context, name string) (jobs.SavedQuestion, error) {
	all, err := b.Queue.SavedQuestions(ctx)
	if err != nil {
		return jobs.SavedQuestion{}, err
	}
	i := slices.IndexFunc(all, func(s jobs.SavedQuestion) bool { return s.Name == name })
	if i < 0 {
		return jobs.SavedQuestion{}, jobs.ErrNoQuestion
	}
	return all[i], nil
}

// savedForm returns the form of a saved question.
func savedForm(s jobs.SavedQuestion) askForm {
	f := askForm{Database: s.Database, Question: s.Question, SQL: s.SQL, Params: s.Params, Saved: s.Name}
	if f.Params == nil {
		f.Params = map[string][]string{}
	}
	return f
}

// saveQuestion saves the form under a name, and shows it.
func (p *Page) saveQuestion(w http.ResponseWriter, r *http.Request, b *Backend, f askForm) error {
	f.Saved = strings.TrimSpace(r.Form.Get("name"))
	err := f.check()
	if err == nil {
		err = b.Queue.SaveQuestion(r.Context(), jobs.SavedQuestion{Name: f.Saved, Database: f.Database, Question: f.Question, SQL: f.SQL, Params: f.Params})
	}
	if fault.CodeOf(err) == fault.CodeUsage {
		return p.refuse(w, r, b, f, err)
	}
	if err != nil {
		return err
	}
	p.goOn(w, r, "/ask?"+savedQuery(f.Saved), map[string]string{"saved": f.Saved})
	return nil
}

// check returns an error if nothing can run the form. Parameters may be missing.
func (f askForm) check() error {
	if f.Question != "" {
		_, err := f.query(jobs.FormatJSONL, 0)
		return err
	}
	if strings.TrimSpace(f.SQL) == "" {
		return errNoStatement
	}
	return jobs.Query{Database: f.Database, SQL: f.SQL, Format: jobs.FormatJSONL}.Validate()
}

func (p *Page) removeQuestion(w http.ResponseWriter, r *http.Request, b *Backend) error {
	name := r.FormValue("name")
	if err := b.Queue.RemoveQuestion(r.Context(), name); err != nil {
		return err
	}
	p.goOn(w, r, "/ask", map[string]string{"removed": name})
	return nil
}

// exportQuestion sends a saved question as a file with its statement.
func (p *Page) exportQuestion(w http.ResponseWriter, r *http.Request) {
	b, err := p.connected()
	var s jobs.SavedQuestion
	if err == nil {
		s, err = b.saved(r.Context(), r.URL.Query().Get("name"))
	}
	var text string
	if err == nil {
		text, err = status.SavedSQL(s, day.Of(p.cfg.Now().UTC()))
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/sql; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", attachment(fileName(s.Name)+".sql"))
	_, _ = w.Write([]byte(text))
}

// oddInName matches what a file name should not have.
var oddInName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

func fileName(name string) string {
	if short := strings.Trim(oddInName.ReplaceAllString(name, "-"), "-"); short != "" {
		return short
	}
	return "question"
}
