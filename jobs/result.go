package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
)

// Column is one column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}

// Result says what a query has found. The rows lie elsewhere: see [Queue.OpenResult].
type Result struct {
	Columns   []Column  `json:"columns"`
	Rows      int64     `json:"rows"`
	Bytes     int64     `json:"bytes"`
	Sum       string    `json:"sum,omitempty"`       // of all bytes: xxh3, 64 bits in hexadecimal; "" in records of older versions
	Truncated bool      `json:"truncated,omitempty"` // there were more rows than the limit
	File      string    `json:"file,omitempty"`      // where they are inside the volume; "" if they are in Redis
	Expires   time.Time `json:"expires"`             // when the rows are deleted
}

// MaxStoredResult is how many bytes of rows Redis keeps. What is longer stays in a file.
const MaxStoredResult = 1 << 20

// ErrNoResult says that a job has no rows: it is no query, has not found them yet, or they are deleted.
var ErrNoResult = fault.New(fault.CodeNotFound, "ask the question again: results are deleted when their retention ends", "the job has no result")

// StoreResult keeps the rows that query id has found in Redis. They are at most [MaxStoredResult] bytes.
func (q *Queue) StoreResult(ctx context.Context, id string, rows []byte) error {
	if err := q.rdb.Set(ctx, resultKey(id), rows, q.records.resultRetention).Err(); err != nil {
		return fmt.Errorf("store the result of job %s: %w", id, err)
	}
	return nil
}

// OpenResult returns the rows that r's query has found, from Redis, or through it from a worker that has the file. The
// caller closes them. It returns [ErrNoResult]. Rows that are not those of the record never end in io.EOF, see
// [Result.Proven]; those in Redis are compared before OpenResult returns.
func (q *Queue) OpenResult(ctx context.Context, r Record) (io.ReadCloser, error) {
	if r.Result == nil {
		return nil, fmt.Errorf("%w: %s is %s", ErrNoResult, r.ID, r.State)
	}
	if r.Result.File != "" {
		content, err := q.receive(ctx, r)
		if err != nil {
			return nil, err
		}
		return r.Result.Proven(content), nil
	}
	rows, err := q.rdb.Get(ctx, resultKey(r.ID)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("%w: %s", ErrNoResult, r.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read the result of job %s: %w", r.ID, err)
	}
	if _, err := io.Copy(io.Discard, r.Result.Proven(io.NopCloser(bytes.NewReader(rows)))); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(rows)), nil
}
