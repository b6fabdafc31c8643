package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"mixduck/internal/secret"
)

const plain = "hunter2-hunter2"

// account holds a secret in the ways in which a config can.
type account struct {
	Secret  secret.String
	Pointer *secret.String
	hidden  secret.String
	Any     any
	List    []secret.String
	ByName  map[string]secret.String
	Secrets map[secret.String]string
}

func newAccount() account {
	s := secret.New(plain)
	return account{
		Secret: s, Pointer: &s, hidden: s, Any: s,
		List: []secret.String{s}, ByName: map[string]secret.String{"a": s}, Secrets: map[secret.String]string{s: "a"},
	}
}

// wantHidden fails the test if out shows the secret, in clear or in hexadecimal.
func wantHidden(tb testing.TB, how, out string) {
	tb.Helper()
	for _, form := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("%X", plain), fmt.Sprintf("% x", plain), fmt.Sprintf("%d", []byte(plain))} {
		if strings.Contains(out, form) {
			tb.Errorf("%s shows the secret: %s", how, out)
		}
	}
}

func TestNoVerbShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret.New(plain)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "% x", "%d", "%t", "%c", "%U", "%b", "%o", "%e", "%40s", "%-.3s", "%z"} {
		if got := fmt.Sprintf(verb, s); got != "[redacted]" {
			t.Errorf("%s = %s, want [redacted]", verb, got)
		}
		wantHidden(t, verb+" of a struct", fmt.Sprintf(verb, newAccount()))
		wantHidden(t, verb+" of a pointer", fmt.Sprintf(verb, new(newAccount())))
	}
	for _, verb := range []string{"%T", "%p", "%w"} { // fmt does not call Format for these
		wantHidden(t, verb, fmt.Sprintf(verb, s))
		wantHidden(t, verb+" of a struct", fmt.Sprintf(verb, newAccount()))
	}
	wantHidden(t, "Sprint", fmt.Sprint(s, newAccount()))
	wantHidden(t, "String", s.String())
}

func TestNoErrorShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret.New(plain)
	err := errors.Join(fmt.Errorf("with %v, %s and %#v", s, s, s), fmt.Errorf("account %+v", newAccount()))
	wantHidden(t, "an error", fmt.Sprintf("%v %+v %#v", err, err, err))
}

func TestNoLogShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret.New(plain)
	var out bytes.Buffer
	for name, h := range map[string]slog.Handler{"JSON": slog.NewJSONHandler(&out, nil), "text": slog.NewTextHandler(&out, nil)} {
		out.Reset()
		slog.New(h).With("with", s).Info("message",
			slog.Any("secret", s), slog.Any("pointer", &s), slog.Any("list", []secret.String{s}),
			slog.Group("group", slog.Any("secret", s)), slog.Any("map", map[string]secret.String{"a": s}),
			slog.String("string", s.String()), slog.Any("error", fmt.Errorf("with %v", s)))
		wantHidden(t, name, out.String())
		if !strings.Contains(out.String(), "[redacted]") {
			t.Errorf("%s = %s, want something redacted", name, out.String())
		}
	}
	out.Reset()
	slog.New(slog.NewTextHandler(&out, nil)).Info("message", slog.Any("account", newAccount()))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("message", slog.Any("account", newAccount()))
	wantHidden(t, "a struct in a log", out.String())
}

func TestNoEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(newAccount())
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "JSON", string(text))
	if n := strings.Count(string(text), "[redacted]"); n != 6 {
		t.Errorf("JSON = %s, want 6 redacted values", text)
	}
	text, err = yaml.Marshal(map[string]any{"secret": secret.New(plain), "list": []secret.String{secret.New(plain)}})
	if err != nil {
		t.Fatal(err)
	}
	wantHidden(t, "YAML", string(text))
}

func TestRevealReturnsTheSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		secret secret.String
		want   string
	}{
		{"a secret", secret.New(plain), plain},
		{"an empty secret", secret.New(""), ""},
		{"the zero value", secret.String{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.secret.Reveal(); got != tt.want {
				t.Errorf("Reveal = %q, want %q", got, tt.want)
			}
			if got := tt.secret.IsZero(); got != (tt.want == "") {
				t.Errorf("IsZero = %t", got)
			}
			if got := fmt.Sprint(tt.secret); got != "[redacted]" {
				t.Errorf("Sprint = %s, want [redacted]", got)
			}
		})
	}
}
