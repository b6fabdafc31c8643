package page

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"mixduck/jobs"
	"mixduck/web/page/answer"
)

// names are the events and properties of a database.
type names struct{ Events, Properties []string }

// nameStore keeps names that were read from databases.
type nameStore struct {
	mu  sync.Mutex
	all map[string]names // by database
}

// maxNames is how many databases have their names kept.
const maxNames = 100

func (s *nameStore) of(database string) names {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[database]
}

func (s *nameStore) set(database string, n names) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxNames {
		s.all = map[string]names{}
	}
	s.all[database] = n
}

// namesSQL finds the events of the last days, the most frequent first, and properties of some of them.
const namesSQL = `WITH recent AS (SELECT event_name, properties FROM events WHERE day > (SELECT max(day) FROM events) - 30)
(SELECT 'event', event_name FROM recent GROUP BY event_name ORDER BY count(*) DESC, event_name LIMIT 1000)
UNION ALL
(SELECT DISTINCT 'property', unnest(json_keys(properties)) AS name FROM (FROM recent LIMIT 10000) ORDER BY name LIMIT 1000)`

// loadNames reads the names of a database, and goes back to the form.
func (p *Page) loadNames(w http.ResponseWriter, r *http.Request, b *Backend, f askForm) error {
	found, err := p.readNames(r.Context(), b, f.Database)
	if err != nil {
		return p.refuse(w, r, b, f, err)
	}
	p.names.set(f.Database, found)
	query := url.Values{"question": {f.Question}, "database": {f.Database}}
	for name, values := range f.Params {
		query[paramPrefix+name] = values
	}
	p.goOn(w, r, "/ask?"+query.Encode(), found)
	return nil
}

func (p *Page) readNames(ctx context.Context, b *Backend, database string) (found names, err error) {
	job, err := p.run(ctx, b, jobs.Query{Database: database, SQL: namesSQL, Format: jobs.FormatRows})
	if err != nil {
		return found, err
	}
	err = b.rows(ctx, job, func(row []answer.Cell) bool {
		switch {
		case row[0] == nil || row[1] == nil:
		case *row[0] == "event":
			found.Events = append(found.Events, *row[1])
		default:
			found.Properties = append(found.Properties, *row[1])
		}
		return true
	})
	return found, err
}
