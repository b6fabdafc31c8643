package page

import (
	"cmp"
	"net/http"

	"mixduck/internal/stream"
)

// completion is a table that the SQL editor can complete, with its columns.
type completion struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"` // empty if they are not known without opening the database
}

// columnsOf are the columns of the tables of a stream, in order.
var columnsOf = map[string][]string{
	stream.Events:   {"event_name", "event_time", "distinct_id", "insert_id", "properties", "day", "processed_at"},
	stream.Profiles: {"distinct_id", "properties", "last_seen"},
}

// completions sends the tables of a database, as the queue knows them.
func (p *Page) completions(w http.ResponseWriter, r *http.Request) {
	b, err := p.connected()
	var l *look
	if err == nil {
		l, err = p.looks.get(r.Context(), b)
	}
	if err := p.heard(r.Context(), err); err != nil {
		p.fail(w, r, err)
		return
	}
	tables := []completion{}
	for _, t := range l.tables {
		if t.State.Database == r.URL.Query().Get("database") {
			columns := columnsOf[cmp.Or(t.State.Type, stream.Events)]
			tables = append(tables, completion{t.State.Table, append([]string{}, columns...)})
		}
	}
	p.writeJSON(w, map[string]any{"tables": tables})
}
