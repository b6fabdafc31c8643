package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"mixduck/internal/fault"
)

// How a query with valid SQL can end without a result, except through its context.
var (
	ErrOutOfMemory = fault.New(fault.CodeFailed, "select fewer columns or days, aggregate earlier, or increase query.memory_limit",
		"the query exceeds its memory limit")
	ErrTooLarge = fault.New(fault.CodeFailed, "aggregate, add a LIMIT, or increase query.max_result", "the result exceeds the size limit")
	ErrCrashed  = fault.New(fault.CodeFailed, "remove parts of the query to find the cause; one known cause is very deep JSON",
		"the query crashed DuckDB (only this query is affected)")
	ErrKilled = fault.New(fault.CodeFailed, "check if the system ran out of memory (dmesg), then try again",
		"another process or the system killed the query")
	ErrStopped = fault.New(fault.CodeFailed, "run it again",
		"DuckDB stopped the query because a part of it failed, but reported no reason; a second run did not fail")
)

// outOfMemory are the messages of the C++ and Go runtimes, and of DuckDB, about insufficient memory.
var outOfMemory = [][]byte{
	[]byte("out of memory"), []byte("Out of Memory"), []byte("bad_alloc"), []byte("cannot allocate memory"),
	[]byte("pthread_create failed"), []byte("Cannot allocate memory"),
}

// explainEnd returns why a child ended without a reply.
func explainEnd(ctx context.Context, err error, stderr []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		return fmt.Errorf("%w: no output", ErrCrashed)
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	for _, words := range outOfMemory {
		if bytes.Contains(stderr, words) {
			return ErrOutOfMemory
		}
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
		return ErrKilled
	}
	return fmt.Errorf("%w: %w: %.200s", ErrCrashed, exit, firstLine(string(stderr)))
}
