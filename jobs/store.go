package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// store keeps job records and their indexes, all in one slot.
type store struct {
	rdb             redis.UniversalClient
	scripts         scripts
	now             func() time.Time
	retention       time.Duration // of final records
	resultRetention time.Duration // of those of finished queries at most, with their results
}

// create writes a new record. Asking twice does no harm.
func (s store) create(ctx context.Context, r Record) error {
	args, err := r.creation()
	if err != nil {
		return err
	}
	if err := s.scripts.create.Run(ctx, s.rdb, []string{recordKey(r.ID)}, args...).Err(); err != nil {
		return fmt.Errorf("write the record of job %s: %w", r.ID, err)
	}
	return nil
}

// load returns the record of a job, or nil if there is none.
func (s store) load(ctx context.Context, id string) (*entry, error) {
	h, err := s.rdb.HGetAll(ctx, recordKey(id)).Result()
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

// loadAll returns the records of ids, in their order; nil where there is none.
func (s store) loadAll(ctx context.Context, ids []string) ([]*entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HGetAll(ctx, recordKey(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	entries := make([]*entry, len(ids))
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

// A move takes a record from one state to another, if it is in one of the states from and its fence lies in the bounds.
type move struct {
	from     []State
	minFence int64
	maxFence int64 // 0 means no bound
	to       State
	attempts int   // to add
	crashes  int   // to add
	set      []any // more fields and values
}

// move applies m and returns the record as it is then, moved or not; nil if there is no record.
func (s store) move(ctx context.Context, id string, m move) (after *entry, moved bool, err error) {
	if m.maxFence == 0 {
		m.maxFence = math.MaxInt64
	}
	now := s.now()
	from := make([]string, len(m.from))
	for i, state := range m.from {
		from[i] = string(state)
	}
	var ends int64
	set := m.set
	if m.to.Final() {
		ends = now.Add(s.retention).UnixMilli()
		set = append([]any{"finished", millis(now), "cancel", "", "run_at", ""}, set...)
	}
	args := append([]any{
		id, recordPrefix, "," + strings.Join(from, ",") + ",", m.minFence, m.maxFence, string(m.to),
		m.attempts, m.crashes, ends, millis(now), s.resultRetention.Milliseconds(),
	}, set...)
	answer, err := s.scripts.move.Run(ctx, s.rdb, []string{recordKey(id)}, args...).Slice()
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

// flatMap reads the second part of a script's answer, fields and values in turn.
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

// forget deletes a record and its index entries. Project and database are needed only for a record that is gone by itself.
func (s store) forget(ctx context.Context, id, project, database string) error {
	if err := s.scripts.forget.Run(ctx, s.rdb, []string{recordKey(id)}, id, recordPrefix, project, database).Err(); err != nil {
		return fmt.Errorf("delete the record of job %s: %w", id, err)
	}
	return nil
}

// trimBatch bounds how many records one call of trim deletes, so that it never holds Redis up.
const trimBatch = 500

// trim deletes records whose retention is over, and reports whether there may be more.
func (s store) trim(ctx context.Context) (more bool, err error) {
	var ids []string
	for _, scope := range scopes() {
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
	if err := s.scripts.forget.Load(ctx, s.rdb).Err(); err != nil { // a pipeline cannot, should it be missing
		return false, fmt.Errorf("delete records: %w", err)
	}
	pipe := s.rdb.Pipeline()
	for _, id := range ids {
		s.scripts.forget.EvalSha(ctx, pipe, []string{recordKey(id)}, id, recordPrefix, "", "")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("delete records: %w", err)
	}
	return len(ids) >= trimBatch, nil
}
