package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// StoreResult stores the rows of query id in Redis, at most [MaxStoredResult] bytes.
func (q *Queue) StoreResult(ctx context.Context, id string, rows []byte) error {
	if err := q.e.Redis.Set(ctx, lanes.ResultKey(id), rows, q.e.Records.ResultRetention).Err(); err != nil {
		return fmt.Errorf("store the result of job %s: %w", id, err)
	}
	return nil
}

// OpenResult returns the rows of r's query, from Redis, or through Redis from a worker that has the file. The caller
// closes them. It returns [ErrNoResult]. If the rows differ from those in the record, the reader never returns io.EOF,
// see [Result.Proven]; rows in Redis are checked before OpenResult returns.
func (q *Queue) OpenResult(ctx context.Context, r jobs.Record) (io.ReadCloser, error) {
	if r.Result == nil {
		return nil, fmt.Errorf("%w: %s is %s", jobs.ErrNoResult, r.ID, r.State)
	}
	if r.Result.File != "" {
		content, err := q.receive(ctx, r)
		if err != nil {
			return nil, err
		}
		return r.Result.Proven(content), nil
	}
	rows, err := q.e.Redis.Get(ctx, lanes.ResultKey(r.ID)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("%w: %s", jobs.ErrNoResult, r.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read the result of job %s: %w", r.ID, err)
	}
	if _, err := io.Copy(io.Discard, r.Result.Proven(io.NopCloser(bytes.NewReader(rows)))); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(rows)), nil
}
