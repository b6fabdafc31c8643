package flight

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// statusOf returns an error as clients see it: with its hint, and a code that tells the kinds of errors apart.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	text := err.Error()
	if hint := fault.HintOf(err); hint != "" {
		text += "; try: " + hint
	}
	return status.Error(codeOf(err), text)
}

func codeOf(err error) codes.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case errors.Is(err, errTimeout), errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, query.ErrOutOfMemory), errors.Is(err, query.ErrTooLarge), errors.Is(err, errTooMany), errors.Is(err, errDiskShare):
		return codes.ResourceExhausted
	}
	switch fault.CodeOf(err) { //nolint:exhaustive // the others are internal
	case fault.CodeUsage:
		return codes.InvalidArgument
	case fault.CodeNotFound:
		return codes.NotFound
	case fault.CodeLocked:
		return codes.Unavailable
	}
	return codes.Internal
}
