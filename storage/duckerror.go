package storage

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/fault"
)

// This file is the one place that reads the texts of DuckDB's errors: these have no code.

// lockMessage finds who holds the lock. The program is named before it only by a process that may look into others.
var lockMessage = regexp.MustCompile(`(?s)Conflicting lock is held in .*\bPID (\d+)`)

// lockedBy recognises DuckDB's own lock error, which has no code but only a text.
func lockedBy(path string, err error) error {
	if err == nil || !strings.Contains(err.Error(), "Could not set lock on file") {
		return nil
	}
	locked := &LockedError{Path: path}
	if m := lockMessage.FindStringSubmatch(err.Error()); m != nil {
		locked.PID, _ = strconv.Atoi(m[1])
		locked.Command = commandOf(locked.PID, "")
	}
	return locked
}

// FindCommand fills Command in for a process that could not look for itself.
func (e *LockedError) FindCommand() {
	if e.PID != 0 && e.Command == "" {
		e.Command = commandOf(e.PID, "")
	}
}

// diskFull makes DuckDB's error about a full disk recognisable as [syscall.ENOSPC].
func diskFull(err error) error {
	if err == nil || !saysErrno(err.Error(), syscall.ENOSPC) {
		return err
	}
	return fault.New(fault.CodeFailed, "free some disk space and retry; committed days are safe", "%w: %w", syscall.ENOSPC, err)
}

// saysErrno reports whether DuckDB's text names a system error. Go and the C library spell their names differently.
func saysErrno(text string, errno syscall.Errno) bool {
	return strings.Contains(strings.ToLower(text), errno.Error())
}

// ended returns why ctx ended if err says no more than that it has.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	d, ok := errors.AsType[*duckdb.Error](err)
	if ok && d.Type == duckdb.ErrorTypeInterrupt || errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
