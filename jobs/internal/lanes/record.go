package lanes

import (
	"encoding/json"
	"fmt"

	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Entry is a record with fields that only the queue needs.
type Entry struct {
	jobs.Record
	Fence     int64  // of the job's last turn
	Crashes   int    // consecutive, without progress
	Retried   string // identifies the last call of Retry
	Cancelled bool   // requested by a person while the job ran
}

// fieldsOf returns the hash fields of a new record as arguments of HSET. It leaves out what parseEntry assumes anyway:
// each field costs Redis some 60 bytes.
func fieldsOf(r jobs.Record) ([]any, error) {
	var payload any
	switch r.Kind {
	case jobs.KindFetch:
		payload = r.Fetch
	case jobs.KindEdit:
		payload = r.Edit
	case jobs.KindQuery, jobs.KindAsk:
		payload = r.Query
	case jobs.KindPublish:
		payload = r.Publish
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode the %s: %w", r.Kind, err)
	}
	fields := []any{
		"kind", string(r.Kind), "state", string(r.State), "database", r.Database, string(r.Kind), body,
		"max_attempts", r.MaxAttempts, "created", field.Millis(r.CreatedAt),
	}
	if r.Project != "" {
		fields = append(fields, "project", r.Project)
	}
	if r.Priority.OrDefault() != jobs.PriorityDefault {
		fields = append(fields, "priority", string(r.Priority))
	}
	if r.Attempt != 0 {
		fields = append(fields, "attempt", r.Attempt)
	}
	if r.Schedule != "" {
		fields = append(fields, "schedule", r.Schedule)
	}
	if !r.Tick.IsZero() {
		fields = append(fields, "tick", field.Millis(r.Tick))
	}
	if r.Piece != 0 {
		fields = append(fields, "piece", r.Piece)
	}
	return fields, nil
}

// Creation returns the arguments for scripts that write a new record.
func Creation(r jobs.Record) ([]any, error) {
	fields, err := fieldsOf(r)
	return append([]any{r.ID, RecordPrefix, field.Millis(r.CreatedAt), string(r.Kind), r.Project, r.Database}, fields...), err
}

// parseEntry reads a record from its hash. Missing and empty fields are zero.
func parseEntry(id string, h map[string]string) (Entry, error) {
	p := field.Parser{Fields: h}
	e := Entry{
		Record: jobs.Record{
			ID: id, Kind: jobs.Kind(h["kind"]), State: jobs.State(h["state"]), Priority: jobs.Priority(h["priority"]).OrDefault(), Worker: h["worker"],
			Project: h["project"], Database: h["database"],
			Attempt: int(p.Int("attempt")), MaxAttempts: int(p.Int("max_attempts")),
			CreatedAt: p.Time("created"), StartedAt: p.Time("started"), FinishedAt: p.Time("finished"), RunAt: p.Time("run_at"),
			AttemptAt: p.Time("attempt_at"), WindowsBefore: int(p.Int("windows_before")),
			Schedule: h["schedule"], Tick: p.Time("tick"), Piece: int(p.Int("piece")),
		},
		Fence: p.Int("fence"), Crashes: int(p.Int("crashes")), Cancelled: h["cancel"] == "1", Retried: h["retried"],
	}
	p.JSON("fetch", &e.Fetch)
	p.JSON("edit", &e.Edit)
	p.JSON("query", &e.Query)
	p.JSON("publish", &e.Publish)
	p.JSON("result", &e.Result)
	p.JSON("progress", &e.Progress)
	p.JSON("failure", &e.Failure)
	if p.Err != nil {
		return Entry{}, fmt.Errorf("record of job %s: %w", id, p.Err)
	}
	return e, nil
}
