package storage

import (
	"errors"
	"syscall"
	"testing"
)

// TestCauseOfAnInterrupt simulates an error that DuckDB reports only sometimes.
func TestCauseOfAnInterrupt(t *testing.T) {
	t.Parallel()
	e, err := Open(t.Context(), Config{Mode: InMemory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	s, err := e.Session()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, tt := range []struct {
		name, text, value, said, want string
	}{
		{"the second run knows", "SELECT error($1)", "late", "INTERRUPT Error: Interrupted!", "Invalid Input Error: late"},
		{"with a comment before it", "-- first\nSELECT error($1)", "late", "INTERRUPT Error: Interrupted!", "Invalid Input Error: late"},
		{"in another spelling", "SELECT error($1)", "late", "Interrupt Error: Interrupted!", "Invalid Input Error: late"},
		{"the second run does not fail", "SELECT $1", "x", "INTERRUPT Error: Interrupted!", "INTERRUPT Error: Interrupted!"},
		{"a statement that cannot be explained", "EXPLAIN SELECT $1", "x", "INTERRUPT Error: Interrupted!", "INTERRUPT Error: Interrupted!"},
		{"another error stays", "SELECT error($1)", "late", "Conversion Error: 'x'", "Conversion Error: 'x'"},
	} {
		st, err := s.Prepare(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Bind(0, tt.value); err != nil {
			t.Fatal(err)
		}
		if got := st.cause(newSQLError(tt.said)).Error(); got != tt.want {
			t.Errorf("%s: cause = %q, want %q", tt.name, got, tt.want)
		}
		st.Close()
	}
}

func TestSQLErrorIs(t *testing.T) {
	t.Parallel()
	all := map[string]error{"interrupted": ErrInterrupted, "full": syscall.ENOSPC, "too large": syscall.EFBIG}
	for text, want := range map[string]string{
		"INTERRUPT Error: Interrupted!":                                    "interrupted",
		"Interrupt Error: Interrupted!":                                    "interrupted",
		"IO Error: Could not write file \"x\": No space left on device":    "full",
		"IO Error: Could not write file \"x\": File too large":             "too large",
		"Invalid Input Error: the text \"INTERRUPT Error\" is only quoted": "",
	} {
		for name, target := range all {
			if got := errors.Is(newSQLError(text), target); got != (name == want) {
				t.Errorf("errors.Is(%q, %v) = %v", text, target, got)
			}
		}
	}
}
