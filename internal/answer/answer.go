// Package answer splits the text of an export into events, and a page of profiles into profiles, and proves that the
// text is complete. docs/adr/0012-proved-answers.md has the rules. It does not know how the text was sent or where its
// parts are stored.
package answer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"mixduck/internal/eventline"
	"mixduck/internal/fault"
)

// ErrLineTooLong means that a line exceeds what a database can hold.
var ErrLineTooLong = errors.New("a line exceeds 64 MiB")

// ErrNotWhole matches every [*Error].
var ErrNotWhole = errors.New("the response is incomplete")

// Line is a non-blank line of a response.
type Line struct {
	// Text is valid until the line's block is returned. It has no line end, unless it is a record in several pieces
	// that cannot be stored.
	Text   []byte
	Number int64 // from 1; for a record in several pieces, the first one's
	Reason error // why it cannot be stored; nil for an event
	Joined bool  // it came in several pieces
}

// Error says why a response is not complete. It is [ErrNotWhole].
type Error struct {
	Line   int64  // number of the line that shows it; 0 if there is none
	Reason string // never quotes the response
	Text   []byte // the first kilobytes of the text found in place of an event

	page bool // a page of profiles
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s (line %d of the response)", e.Reason, e.Line)
}

// Is makes the error [ErrNotWhole].
func (e *Error) Is(target error) bool { return target == ErrNotWhole }

// FaultCode returns [fault.CodeFailed].
func (*Error) FaultCode() fault.Code { return fault.CodeFailed }

// Hint says what to do.
func (e *Error) Hint() string {
	if e.page {
		return "retry later; if that does not help, check the response of Mixpanel or of a proxy"
	}
	return "retry later, or request fewer days at once; if that does not help, check the response for these days"
}

// maxText limits the text of an Error, in bytes.
const maxText = 8 << 10

func clip(text []byte) []byte { return append([]byte(nil), text[:min(len(text), maxText)]...) }

// Each calls fn with each line of a response, in order, and with its event if the line has no Reason. Both are valid
// until fn returns. It returns the number of lines, and nil only if every part of the response is complete or blank,
// see [NewBlocks].
func Each(ctx context.Context, parts []io.Reader, fn func(Line, *eventline.Event) error) (lines int64, err error) {
	return NewBlocks(parts...).each(ctx, fn)
}

func (b *Blocks) each(ctx context.Context, fn func(Line, *eventline.Event) error) (lines int64, err error) {
	ctx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	reading.Go(func() { b.Read(ctx) })
	var e eventline.Event
	for {
		blk, err := b.Take()
		if err != nil || blk == nil {
			return lines, err
		}
		for {
			line, ok, err := blk.Next((*eventline.Keys)(nil), &e)
			if err != nil {
				return lines, err
			}
			if !ok {
				break
			}
			if err := fn(line, &e); err != nil {
				return lines, err
			}
			lines++
		}
		b.Give(blk)
	}
}
