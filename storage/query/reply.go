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
	Dir string `json:"dir"` // the child's directory, the only place where it writes files
}

// Names within a task's directory.
const (
	resultName = "result"
	spillName  = "spill"
)

// reply is the last line of the child's standard error. A crash can leave other text before it.
type reply struct {
	Result *Result         `json:"result,omitempty"`
	Error  *remote.Failure `json:"error,omitempty"`
}

// sentinels are errors that the parent must be able to distinguish.
func sentinels() []error {
	return []error{ErrOutOfMemory, ErrTooLarge, ErrCrashed, ErrStopped, syscall.EPIPE, syscall.ENOSPC}
}

// parseReply finds the reply in a child's output, or returns nil.
func parseReply(stderr []byte) *reply {
	stderr = bytes.TrimRight(stderr, "\n")
	line := stderr[bytes.LastIndexByte(stderr, '\n')+1:]
	var r reply
	if json.Unmarshal(line, &r) != nil || r.Result == nil && r.Error == nil {
		return nil
	}
	return &r
}
