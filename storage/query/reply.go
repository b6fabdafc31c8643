package query

import (
	"bytes"
	"encoding/json"
	"syscall"

	"mixduck/storage/internal/remote"
)

// task is what the parent writes to the child's standard input.
type task struct {
	Request
	Dir string `json:"dir"` // the child's own directory, the only place where it writes files
}

// The names of what is in a task's directory.
const (
	resultName = "result"
	spillName  = "spill"
)

// reply is the last line that the child writes to its standard error; before it there may be what a crash leaves there.
type reply struct {
	Result *Result         `json:"result,omitempty"`
	Error  *remote.Failure `json:"error,omitempty"`
}

// sentinels are the errors that are told apart on the other side, too.
func sentinels() []error {
	return []error{ErrOutOfMemory, ErrTooLarge, ErrCrashed, ErrStopped, syscall.EPIPE, syscall.ENOSPC}
}

// parseReply finds the reply in what a child has written; nil if it came to none.
func parseReply(stderr []byte) *reply {
	stderr = bytes.TrimRight(stderr, "\n")
	line := stderr[bytes.LastIndexByte(stderr, '\n')+1:]
	var r reply
	if json.Unmarshal(line, &r) != nil || r.Result == nil && r.Error == nil {
		return nil
	}
	return &r
}
