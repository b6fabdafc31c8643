package jobs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// entry is a record and what only the queue needs to know of it.
type entry struct {
	Record
	fence     int64  // of the last turn that the job was given
	crashes   int    // in a row without progress
	retried   string // names the last call of Retry
	cancelled bool   // a person asked for it while the job ran
}

// fields returns the hash fields of a new record, as arguments of HSET.
func (r Record) fields() ([]any, error) {
	var payload any
	switch r.Kind {
	case KindFetch:
		payload = r.Fetch
	case KindEdit:
		payload = r.Edit
	case KindQuery:
		payload = r.Query
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the %s: %w", r.Kind, err)
	}
	return []any{
		"kind", string(r.Kind), "state", string(r.State),
		"project", r.Project, "database", r.Database, string(r.Kind), body,
		"priority", string(r.Priority), "attempt", r.Attempt, "max_attempts", r.MaxAttempts, "created", millis(r.CreatedAt),
		"schedule", r.Schedule, "tick", millis(r.Tick), "piece", r.Piece,
	}, nil
}

// creation returns the arguments with which scripts write a new record.
func (r Record) creation() ([]any, error) {
	fields, err := r.fields()
	return append([]any{r.ID, recordPrefix, millis(r.CreatedAt), string(r.Kind), r.Project, r.Database}, fields...), err
}

// parseEntry reads a record from its hash. Missing and empty fields are zero.
func parseEntry(id string, h map[string]string) (entry, error) {
	p := parser{fields: h}
	e := entry{
		Record: Record{
			ID: id, Kind: Kind(h["kind"]), State: State(h["state"]), Priority: Priority(h["priority"]).orDefault(), Worker: h["worker"],
			Project: h["project"], Database: h["database"],
			Attempt: int(p.int("attempt")), MaxAttempts: int(p.int("max_attempts")),
			CreatedAt: p.time("created"), StartedAt: p.time("started"), FinishedAt: p.time("finished"), RunAt: p.time("run_at"),
			AttemptAt: p.time("attempt_at"), WindowsBefore: int(p.int("windows_before")),
			Schedule: h["schedule"], Tick: p.time("tick"), Piece: int(p.int("piece")),
		},
		fence: p.int("fence"), crashes: int(p.int("crashes")), cancelled: h["cancel"] == "1", retried: h["retried"],
	}
	p.json("fetch", &e.Fetch)
	p.json("edit", &e.Edit)
	p.json("query", &e.Query)
	p.json("result", &e.Result)
	p.json("progress", &e.Progress)
	p.json("failure", &e.Failure)
	if p.err != nil {
		return entry{}, fmt.Errorf("record of job %s: %w", id, p.err)
	}
	return e, nil
}

// parser reads fields of a hash and keeps the first error.
type parser struct {
	fields map[string]string
	err    error
}

func (p *parser) int(name string) int64 {
	s := p.fields[name]
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	p.keep(name, err)
	return n
}

func (p *parser) time(name string) time.Time {
	ms := p.int(name)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (p *parser) json(name string, to any) {
	if s := p.fields[name]; s != "" {
		p.keep(name, json.Unmarshal([]byte(s), to))
	}
}

func (p *parser) keep(name string, err error) {
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("field %s: %w", name, err)
	}
}

// millis is the form in which times are stored: unix ms, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// describe returns what the log says of the work.
func (r Record) describe() []slog.Attr {
	attrs := []slog.Attr{slog.String("kind", string(r.Kind)), slog.String("database", r.Database)}
	if r.Kind == KindFetch {
		attrs = append(attrs, slog.String("project", r.Project), slog.String("range", r.Fetch.DescribeDays()))
	}
	return attrs
}
