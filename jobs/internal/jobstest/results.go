package jobstest

import (
	"context"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// ResultOf returns what a query says that has written content to a file of that name.
func ResultOf(name string, content []byte) jobs.Result {
	return jobs.Result{Bytes: int64(len(content)), Sum: fmt.Sprintf("%016x", xxh3.Hash(content)), File: name}
}

// Found returns the record of a query that has written such a file, on no particular queue.
func Found(name string, content []byte) jobs.Record {
	result := ResultOf(name, content)
	return jobs.Record{ID: "J", Database: "main/x.db", State: jobs.StateDone, Result: &result}
}

// ReadAll reads a result as far as it goes.
func ReadAll(ctx context.Context, q *queue.Queue, r jobs.Record) ([]byte, error) {
	rows, err := q.OpenResult(ctx, r)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return io.ReadAll(rows)
}
