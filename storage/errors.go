package storage

import (
	"errors"
	"fmt"
	"strings"

	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// Errors that callers distinguish. Errors with data have the types below.
var (
	ErrLocked      = errors.New("database locked")
	ErrNotFound    = errors.New("no data yet")
	ErrClosed      = errors.New("engine is closed")
	ErrEmpty       = errors.New("the export contains no events")
	ErrNotWhole    = answer.ErrNotWhole
	ErrLineTooLong = answer.ErrLineTooLong

	ErrFenced   = fault.New(fault.CodeFailed, "", "superseded by a newer attempt")
	ErrReadOnly = fault.New(fault.CodeUsage, "open the database without ReadOnly", "the database is open read-only")
)

// FencedError contains the fence of the other writer. It matches [ErrFenced].
type FencedError struct{ stored int64 }

func (e *FencedError) Error() string { return ErrFenced.Error() }

// Unwrap returns [ErrFenced].
func (e *FencedError) Unwrap() error { return ErrFenced }

// StoredFence returns the fence stored in the database.
func (e *FencedError) StoredFence() int64 { return e.stored }

// LockedError says which process locks a database. It matches [ErrLocked].
type LockedError struct {
	Path    string
	PID     int    // 0 if unknown, for example in another container
	Command string // name of its program, without arguments; "" if unknown
}

func (e *LockedError) Error() string {
	switch {
	case e.PID == 0:
		return "database locked: " + e.Path
	case e.Command == "":
		return fmt.Sprintf("database locked: %s, held by PID %d", e.Path, e.PID)
	}
	return fmt.Sprintf("database locked: %s, held by PID %d (%s)", e.Path, e.PID, e.Command)
}

// Is makes the error [ErrLocked].
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// FaultCode returns [fault.CodeLocked].
func (*LockedError) FaultCode() fault.Code { return fault.CodeLocked }

// Hint says how to get access to the database.
func (*LockedError) Hint() string {
	return "wait until that process closes the database, or stop the process"
}

// NotFoundError means that a database to read does not exist. It matches [ErrNotFound].
type NotFoundError struct{ Path string }

func (e *NotFoundError) Error() string { return "no data yet: " + e.Path }

// Is makes the error [ErrNotFound].
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// FaultCode returns [fault.CodeNotFound].
func (*NotFoundError) FaultCode() fault.Code { return fault.CodeNotFound }

// Hint says how to create the database.
func (*NotFoundError) Hint() string {
	return "run 'enqueue fetch events' to create the database"
}

// ShrunkError means that stored days would have lost most of their rows, or would have lost rows because of a response
// with bad lines. Nothing was changed.
type ShrunkError struct {
	Days         []day.Day
	Stored, Sent int64 // rows of these days in the database and in the new export
	Bad          int64 // lines of the response that are not events, if they are the reason
}

func (e *ShrunkError) Error() string {
	sent := fmt.Sprintf("%d events", e.Sent)
	if e.Bad > 0 {
		sent += fmt.Sprintf(" and %d bad lines", e.Bad)
	}
	return fmt.Sprintf("%s: Mixpanel now sends %s, but %d are stored; kept the stored rows", listDays(e.Days), sent, e.Stored)
}

// FaultCode returns [fault.CodeFailed].
func (*ShrunkError) FaultCode() fault.Code { return fault.CodeFailed }

// Hint says how to replace the days anyway.
func (*ShrunkError) Hint() string {
	return "check the project's data retention and deletions; use --force to replace the days anyway"
}

// OutsideError means that too many events are outside the requested days, so a setting must be wrong. Nothing was
// changed.
type OutsideError struct {
	Days           day.Range
	Outside, Lines int64
	Times          string // what the times of the other events show; "" for nothing
}

func (e *OutsideError) Error() string {
	return fmt.Sprintf("%d of %d events are outside %s", e.Outside, e.Lines, e.Days)
}

// FaultCode returns [fault.CodeFailed].
func (*OutsideError) FaultCode() fault.Code { return fault.CodeFailed }

// Hint names the settings that can be the cause.
func (e *OutsideError) Hint() string {
	if e.Times != "" {
		return e.Times
	}
	return "check the project's time zone and time encoding (MP_TIMEZONE, MP_TIME_ENCODING: utc, or shifted for projects from before 2023)"
}

// BadLinesError means that too many lines are not events, so the body cannot be an export. Nothing was changed.
type BadLinesError struct {
	Bad, Lines int64
	Reason     error // reason for the first bad line
}

func (e *BadLinesError) Error() string {
	return fmt.Sprintf("%d of %d lines are not events (the first: %v)", e.Bad, e.Lines, e.Reason)
}

// FaultCode returns [fault.CodeFailed].
func (*BadLinesError) FaultCode() fault.Code { return fault.CodeFailed }

// Hint says what to check.
func (*BadLinesError) Hint() string {
	return "check the response for these days; a proxy may have changed it"
}

// manyRows is the number of rows from which a table is protected against an empty response.
const manyRows = 100

// EmptiedError means that Mixpanel's response was empty, but the table has rows. Nothing was changed.
type EmptiedError struct {
	Table  string
	Stored int64
}

func (e *EmptiedError) Error() string {
	return fmt.Sprintf("Mixpanel says that there is nothing, but table %s has %d rows; kept what is stored", e.Table, e.Stored)
}

// FaultCode returns [fault.CodeFailed].
func (*EmptiedError) FaultCode() fault.Code { return fault.CodeFailed }

// Hint says how to empty the table anyway.
func (*EmptiedError) Hint() string {
	return "check the project in Mixpanel; --force empties the table"
}

// listDays lists up to three days and counts the others.
func listDays(days []day.Day) string {
	names := make([]string, 0, 3)
	for _, d := range days[:min(3, len(days))] {
		names = append(names, d.String())
	}
	s := strings.Join(names, ", ")
	if n := len(days) - len(names); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}
