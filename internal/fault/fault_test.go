package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"mixduck/internal/fault"
)

// custom is an error type of another package with a code and a hint.
type custom struct{}

func (custom) Error() string         { return "custom" }
func (custom) FaultCode() fault.Code { return fault.CodeLocked }
func (custom) Hint() string          { return "wait" }

func TestExitCodesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]int{
		fault.CodeFailed:      1,
		fault.CodeLocked:      1,
		fault.CodeExists:      1,
		fault.CodeAuth:        2,
		fault.CodeUsage:       3,
		fault.CodeNotFound:    4,
		fault.CodeRateLimited: 5,
		fault.CodeWaitTimeout: 6,
		fault.CodeInterrupted: 130,
		"unheard of":          1,
		"":                    1,
	} {
		if got := code.Exit(); got != want {
			t.Errorf("Exit of %q = %d, want %d", code, got, want)
		}
	}
}

func TestCodeAndHint(t *testing.T) {
	t.Parallel()
	auth := fault.New(fault.CodeAuth, "log in", "no account")
	tests := []struct {
		name string
		err  error
		code fault.Code
		hint string
	}{
		{"no error", nil, fault.CodeFailed, ""},
		{"an error without a code", io.EOF, fault.CodeFailed, ""},
		{"an error with a code", auth, fault.CodeAuth, "log in"},
		{"a wrapped one", fmt.Errorf("a: %w", fmt.Errorf("b: %w", auth)), fault.CodeAuth, "log in"},
		{"a joined one", errors.Join(io.EOF, auth), fault.CodeAuth, "log in"},
		{"another type", fmt.Errorf("a: %w", custom{}), fault.CodeLocked, "wait"},
		{"the outermost counts", fault.New(fault.CodeExists, "drop it", "a: %w", auth), fault.CodeExists, "drop it"},
		{"an empty hint hides none", fault.New(fault.CodeExists, "", "a: %w", fmt.Errorf("b: %w", auth)), fault.CodeExists, "log in"},
		{"no hint at all", fault.New(fault.CodeExists, "", "a: %w", io.EOF), fault.CodeExists, ""},
		{"a usage error", fault.Usage("7d", "what?"), fault.CodeUsage, "7d"},
		{"a cancelled context", fmt.Errorf("a: %w", context.Canceled), fault.CodeInterrupted, ""},
		{"a code before a cancelled context", fault.New(fault.CodeWaitTimeout, "", "a: %w", context.Canceled), fault.CodeWaitTimeout, ""},
		{"a deadline is no interruption", context.DeadlineExceeded, fault.CodeFailed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := fault.CodeOf(tt.err); got != tt.code {
				t.Errorf("CodeOf = %s, want %s", got, tt.code)
			}
			if got := fault.HintOf(tt.err); got != tt.hint {
				t.Errorf("HintOf = %q, want %q", got, tt.hint)
			}
		})
	}
}

func TestNewFormatsAndWraps(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.CodeFailed, "", "day %d: %w", 3, io.EOF)
	if err.Error() != "day 3: EOF" || !errors.Is(err, io.EOF) {
		t.Errorf("New = %v, want day 3: EOF, wrapped", err)
	}
}
