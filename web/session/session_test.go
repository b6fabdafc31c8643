package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/web/session"
)

// open returns a store in a Redis that the test controls.
func open(tb testing.TB) (*session.Store, *miniredis.Miniredis) {
	tb.Helper()
	mini := miniredis.RunT(tb)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	tb.Cleanup(func() { _ = rdb.Close() })
	return session.New(rdb), mini
}

func TestCodesWorkOnce(t *testing.T) {
	t.Parallel()
	s, mini := open(t)
	code, err := s.NewCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code string
		want bool
	}{{"", false}, {code + "x", false}, {code, true}, {code, false}} {
		if got, err := s.Redeem(t.Context(), c.code); got != c.want || err != nil {
			t.Errorf("Redeem(%q) = %v, %v, want %v", c.code, got, err, c.want)
		}
	}
	late, err := s.NewCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mini.FastForward(session.CodeLasts)
	if got, err := s.Redeem(t.Context(), late); got || err != nil {
		t.Errorf("Redeem after %s = %v, %v, want false", session.CodeLasts, got, err)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s, mini := open(t)
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	mini.SetTime(now)
	var tokens []string
	for range 3 {
		token, err := s.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	want := func(when string, count int64, valid ...bool) {
		t.Helper()
		for i, token := range tokens {
			if got, err := s.Valid(t.Context(), token); got != valid[i] || err != nil {
				t.Errorf("%s: session %d is valid = %v, %v, want %v", when, i, got, err, valid[i])
			}
		}
		if got, err := s.Count(t.Context()); got != count || err != nil {
			t.Errorf("%s: %d sessions, %v, want %d", when, got, err, count)
		}
	}
	want("at first", 3, true, true, true)
	if err := s.End(t.Context(), tokens[0]); err != nil {
		t.Fatal(err)
	}
	want("after the end of one", 2, false, true, true)
	if err := s.EndAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("after the end of all", 0, false, false, false)
	token, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens = append(tokens, token)
	mini.SetTime(now.Add(session.Lasts - time.Second))
	want("before its end", 1, false, false, false, true)
	mini.SetTime(now.Add(session.Lasts))
	want("at its end", 0, false, false, false, false)
	if got, err := s.Valid(t.Context(), ""); got || err != nil {
		t.Errorf("Valid of no token = %v, %v, want false", got, err)
	}
}

// Nothing in Redis can be used to log in.
func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	s, mini := open(t)
	code, err := s.NewCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if dump := mini.Dump(); strings.Contains(dump, code) || strings.Contains(dump, token) {
		t.Errorf("Redis holds a secret:\n%s", dump)
	}
}
