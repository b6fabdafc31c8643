// Package secret prevents accidental output of credentials in logs, errors and JSON.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String holds a secret behind a pointer, so that no verb of fmt, no slog handler and no encoder prints it. The zero
// value is an empty secret.
type String struct{ p *string }

// New wraps s.
func New(s string) String { return String{&s} }

// Reveal returns the secret. Use it only where the secret is sent.
func (s String) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether the secret is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether the secret is text. How long it takes does not depend on how much of them is equal.
func (s String) Equal(text string) bool {
	want, got := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(text)) // of the same length
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// Format prints [redacted] for all verbs and flags.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns [redacted].
func (String) String() string { return redacted }

// LogValue returns [redacted].
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }
