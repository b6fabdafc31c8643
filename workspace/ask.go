package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/mixpanel"
	"mixduck/storage/query"
)

// asked is the part of Mixpanel's API that questions need in addition to fetches.
type asked interface {
	TopEvents(ctx context.Context, project int64, count mixpanel.Analysis, limit int) ([]mixpanel.TopEvent, error)
	EventProperties(ctx context.Context, project int64, event string, limit int) ([]mixpanel.PropertyCount, error)
	PropertyValues(ctx context.Context, project int64, event, property string, limit int) ([]string, error)
	Bookmarks(ctx context.Context, project int64, kind string) ([]mixpanel.Bookmark, error)
	LookupTables(ctx context.Context, project int64) ([]mixpanel.LookupTable, error)
	NumericBuckets(ctx context.Context, r mixpanel.NumericRequest) (mixpanel.Segmentation, error)
	NumericSum(ctx context.Context, r mixpanel.NumericRequest) (map[string]json.Number, error)
	NumericAverage(ctx context.Context, r mixpanel.NumericRequest) (map[string]json.Number, error)
	PropertyCounts(ctx context.Context, r mixpanel.PropertyCountsRequest) (mixpanel.Segmentation, error)
	Retention(ctx context.Context, r mixpanel.RetentionRequest) ([]mixpanel.RetentionPeriod, error)
	SavedReport(ctx context.Context, project, bookmark int64) (mixpanel.SavedReport, error)
}

// Answer is Mixpanel's answer, as rows.
type Answer struct {
	columns  []query.Column
	rows     []map[string]any
	Requests int // sent to Mixpanel
}

// Statement returns a statement that selects the rows from an empty database, and its parameters. This makes them
// available in every format of queries.
func (a *Answer) Statement() (sql string, params map[string]string, err error) {
	return query.Given(a.rows, a.columns...)
}

// newAnswer returns an answer without rows. The columns are alternating names and types.
func newAnswer(namesAndTypes ...string) *Answer {
	a := &Answer{}
	for c := range slices.Chunk(namesAndTypes, 2) {
		a.columns = append(a.columns, query.Column{Name: c[0], Type: c[1]})
	}
	return a
}

// add adds a row. Empty texts are NULL.
func (a *Answer) add(values ...any) {
	row := make(map[string]any, len(values))
	for i, v := range values {
		if v == "" {
			v = nil
		}
		row[a.columns[i].Name] = v
	}
	a.rows = append(a.rows, row)
}

// count sets the type of a column with values of type [json.Number]: DOUBLE for averages, otherwise BIGINT unless one
// of them has a fraction.
func (a *Answer) count(column string, of mixpanel.Analysis) *Answer {
	kind := "BIGINT"
	if of == mixpanel.AnalysisAverage {
		kind = "DOUBLE"
	}
	for _, row := range a.rows {
		if n, ok := row[column].(json.Number); ok {
			if _, err := n.Int64(); err != nil {
				kind = "DOUBLE"
			}
		}
	}
	for i := range a.columns {
		if a.columns[i].Name == column {
			a.columns[i].Type = kind
		}
	}
	return a
}

// asker is a question in progress.
type asker struct {
	*refreshing
	question.Question
	project int64
}

// answers returns how each question of [question.List] is answered.
func answers() map[string]func(context.Context, *asker) (*Answer, error) {
	return map[string]func(context.Context, *asker) (*Answer, error){
		"events": eventNames, "top-events": topEvents, "properties": eventProperties, "values": propertyValues,
		"cohorts": cohortList, "funnels": funnelList, "reports": reportList, "annotations": annotationList,
		"lexicon": lexiconEntries, "lexicon-properties": lexiconProperties, "lookup-tables": lookupTables,
		"segmentation": segmentation, "segmentation-numeric": numericBuckets, "segmentation-sum": numericSum, "segmentation-average": numericAverage,
		"event-counts": eventCounts, "property-counts": propertyCounts, "funnel": funnelSteps, "retention": retention, "report": savedReport,
	}
}

// Ask asks Mixpanel a question. It opens no database. Requests are taken from [Config.QueryBudget] or [Config.LexiconBudget], and repeated
// as in a fetch. It returns errors with [fault.CodeUsage] for questions that are invalid, and [PauseError].
func (w *Workspace) Ask(ctx context.Context, q question.Question) (Answer, error) {
	if err := q.Check(); err != nil {
		return Answer{}, err
	}
	if today := w.cfg.Project.Today(w.cfg.Now()); q.Days.To > today {
		return Answer{}, fault.Usage("end the range today or earlier", "%s is in the future: today is %s in the project's time zone", q.Days.To, today)
	}
	a := &asker{&refreshing{Workspace: w, stream: &streamSource{name: q.Name}}, q, w.cfg.Project.ID}
	found, err := answers()[q.Name](ctx, a)
	if err != nil {
		return Answer{Requests: int(a.sent.Load())}, err
	}
	found.Requests = int(a.sent.Load())
	return *found, nil
}

// request sends one request, within the budget of the question.
func request[T any](ctx context.Context, a *asker, send func() (T, error)) (result T, err error) {
	info, err := question.Find(a.Name)
	if err != nil {
		return result, err
	}
	l := ledger{}
	switch info.Budget {
	case question.Query:
		l = a.counted()
	case question.Lexicon:
		l = a.lookedUp()
	case question.Free:
	}
	err = a.ask(ctx, l, func() (err error) {
		result, err = send()
		return err
	})
	return result, err
}

func (a *asker) limit() int { return int(a.Number("limit")) }

func (a *asker) analysis() mixpanel.Analysis { return mixpanel.Analysis(a.Text("type")) }

func (a *asker) unit() mixpanel.Unit { return mixpanel.Unit(a.Text("unit")) }

// span returns the name and the type of the column of units of time.
func (a *asker) span() (name, kind string) {
	if u := a.unit(); u == mixpanel.UnitHour || u == mixpanel.UnitMinute {
		return "time", "TIMESTAMP"
	}
	return "date", "DATE"
}

// begin parses the start of a unit of time in Mixpanel's form, in the project's time zone.
func (a *asker) begin(text string) (string, error) {
	if _, kind := a.span(); kind == "DATE" {
		date, _, _ := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
		d, err := day.Parse(date)
		if err != nil {
			return "", fmt.Errorf("query %s: unexpected date %q", a.Name, text)
		}
		return d.String(), nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format(time.DateTime), nil
		}
	}
	return "", fmt.Errorf("query %s: unexpected time %q", a.Name, text)
}
