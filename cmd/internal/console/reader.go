package console

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"mixduck/internal/day"
)

// Question is an SQL statement, or an inspection with its arguments, about a database.
type Question struct {
	SQL     string
	Inspect string
	Args    []string
	Params  map[string]string // values of $name, as texts

	Format   string        // of the content: [Rows], CSV, …
	Limit    int64         // maximum number of rows; 0 means all
	Timeout  time.Duration // 0 means the backend's default
	LockWait time.Duration // 0 means the backend's default
}

// Column is a column of an answer.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // DuckDB's name
}

// Answer is the result of a question.
type Answer struct {
	Columns   []Column
	Rows      int64         // in the content
	Truncated bool          // there were more rows than the limit
	Content   io.ReadCloser // in the question's format; the caller closes it
}

// Reader answers questions about a database, through the workers of a queue or in the program itself. A nil answer
// means that there is nothing to show.
type Reader interface {
	Read(ctx context.Context, q Question) (*Answer, error)
	// Today returns the day in the time zone of the project, or in UTC if a file is asked that belongs to none.
	Today(ctx context.Context) (day.Day, error)
}

// WithReader calls use with the reader for a command's flags.
type WithReader func(c *cobra.Command, use func(Reader) error) error
