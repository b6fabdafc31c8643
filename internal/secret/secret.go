// Package secret keeps credentials out of logs, errors and JSON by accident.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String holds a secret behind a pointer, so that no verb of fmt, no slog handler and no encoder prints it. The zero
// value is an empty secret.
type String struct{ p *string }

// New wraps s.
func New(s string) String { return String{&s} }

// Reveal returns the secret itself: for the place that sends it, and for nothing else.
func (s String) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Format prints [redacted] under every verb and flag.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns [redacted].
func (String) String() string { return redacted }

// LogValue returns [redacted].
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }
