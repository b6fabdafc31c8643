package query

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/internal/remote"
)

func TestSQLFaultBlamesTheRightOne(t *testing.T) {
	t.Parallel()
	const user, ours = fault.CodeUsage, fault.CodeFailed
	for _, tt := range []struct {
		kind, message string
		code          fault.Code
		is            error // nil for none
	}{
		{"Parser", "syntax error", user, nil},
		{"Conversion", "Could not convert string 'x' to INT32", user, nil},
		{"CONVERSION", "case does not matter", user, nil},
		{"Invalid Input", "late", user, nil},
		{"Out of Range", "Overflow in multiplication of INT64", user, nil},
		{"Mismatch Type", "types do not match", user, nil},
		{"Not implemented", "Unimplemented type for cast", user, nil},
		{"Permission", "Scanning files is disabled", user, nil},
		{"Out of Memory", "failed to allocate data of size 1 GiB", ours, ErrOutOfMemory},
		{"OUT OF MEMORY", "failed to allocate data of size 1 GiB", ours, ErrOutOfMemory},
		{"Invalid", "std::bad_alloc", ours, ErrOutOfMemory},
		{"IO", `Could not write file "spill": No space left on device`, ours, syscall.ENOSPC},
		{"IO", `Could not write file "pipe": File too large`, ours, ErrTooLarge},
		{"IO", "Corrupt database file", ours, nil},
		{"INTERNAL", "Attempted to dereference unique_ptr that is NULL", ours, ErrCrashed},
		{"Internal", "in another spelling", ours, ErrCrashed},
		{"FATAL", "the database has been invalidated", ours, ErrCrashed},
		{"INTERRUPT", "Interrupted!", ours, ErrStopped},
		{"Interrupt", "Interrupted!", ours, ErrStopped},
		{"TransactionContext", "Conflict on update", ours, nil},
		{"Serialization", "Failed to deserialize", ours, nil},
		{"HTTP", "no connection", ours, nil},
		{"Invalid", "basic_string::append", ours, nil},
		{"Unknown", "words without a kind", ours, nil},
		{"Brand New", "a kind that a later DuckDB has", ours, nil},
	} {
		err := sqlFault(nil, &storage.SQLError{Kind: tt.kind, Message: tt.message})
		if fault.CodeOf(err) != tt.code || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s Error: %s becomes %v (%s)", tt.kind, tt.message, err, fault.CodeOf(err))
		}
		if tt.code == ours && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s Error: %s becomes several lines: %v", tt.kind, tt.message, err)
		}
		sent := remote.NewFailure(err, sentinels()).Err(sentinels()) // as the parent sees it
		if fault.CodeOf(sent) != tt.code || sent.Error() != err.Error() || tt.is != nil && !errors.Is(sent, tt.is) {
			t.Errorf("%s Error: %s arrives as %v (%s)", tt.kind, tt.message, sent, fault.CodeOf(sent))
		}
	}
	if err := sqlFault(nil, nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}
