package page

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/jobs"
	"mixduck/web/page/answer"
)

// comparison is a check of an answer against Mixpanel's numbers.
type comparison struct {
	Job       string     `json:"job"` // that asked Mixpanel
	Compared  int        `json:"compared"`
	Different []checkRow `json:"different"`
}

// checkRow is a number that differs.
type checkRow struct {
	Day    string `json:"day"`
	Event  string `json:"event"`
	Ours   string `json:"database"`
	Theirs string `json:"mixpanel"`
}

// checkOf returns the question to Mixpanel that has the numbers of a form; false if there is none. Mixpanel's weeks and months
// can begin before the first day, so only days are compared.
func checkOf(f askForm) (question.Question, bool) {
	const compared, unit = "trend", "day"
	from, fromErr := day.Parse(f.Value("from"))
	to, toErr := day.Parse(f.Value("to"))
	if f.Question != compared || f.Value("unit") != unit || len(f.Params["events"]) == 0 || fromErr != nil || toErr != nil {
		return question.Question{}, false
	}
	q := question.Question{Name: "event-counts", Days: day.Range{From: from, To: to}, Values: map[string][]string{"event": f.Params["events"], "unit": {unit}}}
	return q, q.Check() == nil
}

// checkAnswer asks Mixpanel for the numbers of an answer, and shows both.
func (p *Page) checkAnswer(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx := r.Context()
	job, err := b.statement(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	q, ok := checkOf(formOf(job.Query))
	if !ok || job.State != jobs.StateDone {
		return fault.Usage("use Trend with names of events, by day", "this answer cannot be compared with Mixpanel's numbers")
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
		Project: strconv.FormatInt(l.projects[i].ID, 10), Question: q,
	}})
	if err != nil {
		return err
	}
	p.goOn(w, r, "/ask/"+url.PathEscape(job.ID)+"?check="+asked.ID, newJobLine(asked, nil, p.cfg.Now()))
	return nil
}

// compare compares all rows of an answer with those of a question to Mixpanel.
func compare(ctx context.Context, b *Backend, f askForm, a *askAnswer, id string) (*comparison, error) {
	job, err := b.Queue.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	want, ok := checkOf(f)
	if !ok || job.Query.Ask == nil || !reflect.DeepEqual(job.Query.Ask.Question, want) || job.Database != f.Database || job.Result == nil {
		return nil, fault.New(fault.CodeNotFound, "check the answer again", "job %s did not ask for the numbers of this answer", job.ID)
	}
	if a.Gone != "" || a.all == nil {
		return nil, fault.New(fault.CodeNotFound, "ask for fewer days or events", "the rows of the answer cannot be compared")
	}
	theirs := map[[2]string]string{} // by event and day
	err = b.rows(ctx, job, func(row []answer.Cell) bool {
		if len(row) == 3 && row[0] != nil && row[1] != nil && row[2] != nil {
			theirs[[2]string{*row[0], *row[1]}] = *row[2]
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return difference(job.ID, a.all, theirs), nil
}

// none is the number of events that Mixpanel has not sent.
const none = "0"

// difference compares rows of a day, an event and a number.
func difference(id string, ours [][]answer.Cell, theirs map[[2]string]string) *comparison {
	c := &comparison{Job: id, Different: []checkRow{}}
	for _, row := range ours {
		if len(row) < 3 || row[0] == nil || row[1] == nil || row[2] == nil {
			continue
		}
		key := [2]string{*row[1], *row[0]}
		number := cmp.Or(theirs[key], none)
		delete(theirs, key)
		c.Compared++
		if number != *row[2] {
			c.Different = append(c.Different, checkRow{*row[0], *row[1], *row[2], number})
		}
	}
	for key, number := range theirs {
		c.Compared++
		if number != none {
			c.Different = append(c.Different, checkRow{key[1], key[0], none, number})
		}
	}
	slices.SortFunc(c.Different, func(a, b checkRow) int {
		return slices.Compare([]string{a.Day, a.Event}, []string{b.Day, b.Event})
	})
	return c
}

// Summary says what the comparison has found.
func (c *comparison) Summary() string {
	if len(c.Different) == 0 {
		return fmt.Sprintf("All %d numbers are those of Mixpanel.", c.Compared)
	}
	return fmt.Sprintf("%d of %d numbers differ from those of Mixpanel.", len(c.Different), c.Compared)
}
