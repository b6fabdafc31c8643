package console

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// Question is what a person wants to know of a database: an SQL statement, or an inspection with its arguments.
type Question struct {
	SQL     string
	Inspect string
	Args    []string
	Params  map[string]string // values of $name, as texts

	Format   string        // of the content: [Rows], CSV, …
	Limit    int64         // rows at most; 0 means all
	Timeout  time.Duration // 0 means what the backend thinks right
	LockWait time.Duration // likewise
}

// Column is a column of an answer.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}

// Answer is what a question has brought.
type Answer struct {
	Columns   []Column
	Rows      int64         // in the content
	Truncated bool          // there were more rows than the limit
	Content   io.ReadCloser // in the question's format; the caller closes it
}

// Reader answers questions about one database: the workers of a queue do, or the program itself. A nil answer says that there is nothing to
// show.
type Reader interface {
	Read(ctx context.Context, q Question) (*Answer, error)
}

// WithReader calls use with the reader that a command's flags ask for.
type WithReader func(c *cobra.Command, use func(Reader) error) error
