package jobstest

import (
	"context"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// ResultOf returns the result of a query that has written content to the file name.
func ResultOf(name string, content []byte) jobs.Result {
	return jobs.Result{Bytes: int64(len(content)), Sum: fmt.Sprintf("%016x", xxh3.Hash(content)), File: name}
}

// Found returns the record of such a query, on any queue.
func Found(name string, content []byte) jobs.Record {
	result := ResultOf(name, content)
	return jobs.Record{ID: "J", Database: "main/x.db", State: jobs.StateDone, Result: &result}
}

// ReadAll reads as much of a result as possible.
func ReadAll(ctx context.Context, q *queue.Queue, r jobs.Record) ([]byte, error) {
	rows, err := q.OpenResult(ctx, r)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return io.ReadAll(rows)
}
