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

// Only this file reads the texts of DuckDB's errors, because they have no codes.

// lockMessage finds the process that holds the lock. DuckDB names the program before it only if it may inspect other
// processes.
var lockMessage = regexp.MustCompile(`(?s)Conflicting lock is held in .*\bPID (\d+)`)

// lockedBy recognizes DuckDB's lock error, which has no code, by its text.
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

// FindCommand sets Command on behalf of a process that could not look it up.
func (e *LockedError) FindCommand() {
	if e.PID != 0 && e.Command == "" {
		e.Command = commandOf(e.PID, "")
	}
}

// diskFull makes DuckDB's error about a full disk match [syscall.ENOSPC].
func diskFull(err error) error {
	if err == nil || !saysErrno(err.Error(), syscall.ENOSPC) {
		return err
	}
	return fault.New(fault.CodeFailed, "free some disk space and retry; committed days are safe", "%w: %w", syscall.ENOSPC, err)
}

// saysErrno reports whether DuckDB's text contains the name of a system error. Go and the C library spell these names
// differently.
func saysErrno(text string, errno syscall.Errno) bool {
	return strings.Contains(strings.ToLower(text), errno.Error())
}

// ended returns the reason why ctx ended, if err says only that it ended.
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
