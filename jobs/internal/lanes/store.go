package lanes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Store stores job records and their indexes, all in one slot.
type Store struct {
	rdb             redis.UniversalClient
	scripts         Scripts
	now             func() time.Time
	retention       time.Duration // of final records
	ResultRetention time.Duration // maximum for finished queries, with their results
}

// Create writes a new record. It can be repeated.
func (s Store) Create(ctx context.Context, r jobs.Record) error {
	args, err := Creation(r)
	if err != nil {
		return err
	}
	if err := s.scripts.create.Run(ctx, s.rdb, []string{RecordKey(r.ID)}, args...).Err(); err != nil {
		return fmt.Errorf("write the record of job %s: %w", r.ID, err)
	}
	return nil
}

// Load returns the record of a job, or nil if there is none.
func (s Store) Load(ctx context.Context, id string) (*Entry, error) {
	h, err := s.rdb.HGetAll(ctx, RecordKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the record of job %s: %w", id, err)
	}
	if len(h) == 0 {
		return nil, nil //nolint:nilnil // documented: no record is no error
	}
	e, err := parseEntry(id, h)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// LoadAll returns the records of ids, in order; nil for missing ones.
func (s Store) LoadAll(ctx context.Context, ids []string) ([]*Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HGetAll(ctx, RecordKey(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	entries := make([]*Entry, len(ids))
	for i, cmd := range cmds {
		if len(cmd.Val()) == 0 {
			continue
		}
		e, err := parseEntry(ids[i], cmd.Val())
		if err != nil {
			return nil, err
		}
		entries[i] = &e
	}
	return entries, nil
}

// A Move changes the state of a record, if its state is in from and its fence is within the limits.
type Move struct {
	From     []jobs.State
	MinFence int64
	MaxFence int64 // 0 means no limit
	To       jobs.State
	Attempts int   // added to the record's
	crashes  int   // added to the record's
	Set      []any // more fields and values
	Ended    Ended // of the attempt, if the record leaves the state running
}

// Move applies m and returns the record as it is then, moved or not; nil if there is no record.
func (s Store) Move(ctx context.Context, id string, m Move) (after *Entry, moved bool, err error) {
	if m.MaxFence == 0 {
		m.MaxFence = math.MaxInt64
	}
	now := s.now()
	from := make([]string, len(m.From))
	for i, state := range m.From {
		from[i] = string(state)
	}
	var ends int64
	set := m.Set
	if m.To.Final() {
		ends = now.Add(s.retention).UnixMilli()
		set = append([]any{"finished", field.Millis(now), "cancel", "", "run_at", ""}, set...)
	}
	how, err := json.Marshal(m.Ended)
	if err != nil {
		return nil, false, fmt.Errorf("change the record of job %s: %w", id, err)
	}
	args := append([]any{
		id, RecordPrefix, "," + strings.Join(from, ",") + ",", m.MinFence, m.MaxFence, string(m.To),
		m.Attempts, m.crashes, ends, field.Millis(now), s.ResultRetention.Milliseconds(), how,
	}, set...)
	answer, err := s.scripts.move.Run(ctx, s.rdb, []string{RecordKey(id)}, args...).Slice()
	if err != nil {
		return nil, false, fmt.Errorf("change the record of job %s: %w", id, err)
	}
	fields, err := flatMap(answer)
	if err != nil {
		return nil, false, fmt.Errorf("change the record of job %s: %w", id, err)
	}
	if len(fields) == 0 {
		return nil, false, nil
	}
	e, err := parseEntry(id, fields)
	if err != nil {
		return nil, false, err
	}
	return &e, answer[0] == int64(1), nil
}

// flatMap converts the second part of a script's result, alternating fields and values.
func flatMap(answer []any) (map[string]string, error) {
	errAnswer := errors.New("the script's answer is malformed")
	if len(answer) != 2 {
		return nil, errAnswer
	}
	flat, ok := answer[1].([]any)
	if !ok || len(flat)%2 != 0 {
		return nil, errAnswer
	}
	m := make(map[string]string, len(flat)/2)
	for i := 0; i < len(flat); i += 2 {
		name, ok := flat[i].(string)
		value, ok2 := flat[i+1].(string)
		if !ok || !ok2 {
			return nil, errAnswer
		}
		m[name] = value
	}
	return m, nil
}

// Forget deletes a record and its index entries. Project and database are needed only for a record that has already
// expired.
func (s Store) Forget(ctx context.Context, id, project, database string) error {
	if err := s.scripts.forget.Run(ctx, s.rdb, []string{RecordKey(id)}, id, RecordPrefix, project, database).Err(); err != nil {
		return fmt.Errorf("delete the record of job %s: %w", id, err)
	}
	return nil
}

// trimBatch limits how many records one call of Trim deletes, so it never blocks Redis for long.
const trimBatch = 500

// Trim deletes records whose retention has ended, and reports whether there may be more.
func (s Store) Trim(ctx context.Context) (more bool, err error) {
	var ids []string
	for _, scope := range Scopes() {
		expired, err := s.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: scope.expiry(), ByScore: true, Start: "-inf", Stop: s.now().UnixMilli(), Count: trimBatch,
		}).Result()
		if err != nil {
			return false, fmt.Errorf("find records to delete: %w", err)
		}
		ids = append(ids, expired...)
	}
	if len(ids) == 0 {
		return false, nil
	}
	if err := s.scripts.forget.Load(ctx, s.rdb).Err(); err != nil { // a pipeline cannot load a missing script
		return false, fmt.Errorf("delete records: %w", err)
	}
	pipe := s.rdb.Pipeline()
	for _, id := range ids {
		s.scripts.forget.EvalSha(ctx, pipe, []string{RecordKey(id)}, id, RecordPrefix, "", "")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("delete records: %w", err)
	}
	return len(ids) >= trimBatch, nil
}
