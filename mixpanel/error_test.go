package mixpanel_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/mixpanel"
)

func TestErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  mixpanel.Error
		text string
		hint string // part of it
		code fault.Code
	}{
		{"credentials", mixpanel.Error{Reason: mixpanel.ReasonAuth, Status: 401}, "mixpanel answered 401 Unauthorized", "MP_USERNAME and MP_SECRET", fault.CodeAuth},
		{"plan", mixpanel.Error{Reason: mixpanel.ReasonPlan, Status: 402, Message: "no"}, "mixpanel answered 402 Payment Required: no", "plan", fault.CodeFailed},
		{"quota", mixpanel.Error{Reason: mixpanel.ReasonQuota, Status: 429, After: 3600e9}, "mixpanel answered 429 Too Many Requests", "wait 1h0m0s", fault.CodeRateLimited},
		{"quota without a time", mixpanel.Error{Reason: mixpanel.ReasonQuota, Status: 429}, "mixpanel answered 429 Too Many Requests", "wait a while", fault.CodeRateLimited},
		{"busy", mixpanel.Error{Reason: mixpanel.ReasonBusy, Status: 429}, "mixpanel answered 429 Too Many Requests", "100 at the same time", fault.CodeRateLimited},
		{"too old", mixpanel.Error{Reason: mixpanel.ReasonTooOld, Status: 403, MaxAgeDays: 365}, "mixpanel answered 403 Forbidden", "last 365 days", fault.CodeUsage},
		{"too old, unknown", mixpanel.Error{Reason: mixpanel.ReasonTooOld, Status: 403}, "mixpanel answered 403 Forbidden", "later", fault.CodeUsage},
		{"future", mixpanel.Error{Reason: mixpanel.ReasonFuture, Status: 400}, "mixpanel answered 400 Bad Request", "time zone", fault.CodeUsage},
		{"not found", mixpanel.Error{Reason: mixpanel.ReasonNotFound, Status: 404}, "mixpanel answered 404 Not Found", "project id", fault.CodeNotFound},
		{"bad request", mixpanel.Error{Reason: mixpanel.ReasonBadRequest, Message: "no day"}, "mixpanel: no day", "where", fault.CodeUsage},
		{"timeout", mixpanel.Error{Reason: mixpanel.ReasonTimeout, Message: "silent"}, "mixpanel: silent", "fewer days", fault.CodeFailed},
		{"truncated", mixpanel.Error{Reason: mixpanel.ReasonTruncated, Message: "cut"}, "mixpanel: cut", "region", fault.CodeFailed},
		{"network", mixpanel.Error{Reason: mixpanel.ReasonNetwork, Message: "gone"}, "mixpanel: gone", "network", fault.CodeFailed},
		{"server", mixpanel.Error{Reason: mixpanel.ReasonServer, Status: 599}, "mixpanel answered 599", "", fault.CodeFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("window 2026-10-01: %w", &tt.err)
			if got := tt.err.Error(); got != tt.text {
				t.Errorf("Error = %q, want %q", got, tt.text)
			}
			if got := fault.HintOf(err); !strings.Contains(got, tt.hint) || (tt.hint == "") != (got == "") {
				t.Errorf("hint = %q, want something with %q", got, tt.hint)
			}
			if got := fault.CodeOf(err); got != tt.code {
				t.Errorf("code = %s, want %s", got, tt.code)
			}
		})
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	c := serve(t, raw(t, "HTTP/1.1 200 OK\nContent-Length: 400\n\nab", false))
	b, err := c.Export(t.Context(), october())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := io.ReadAll(b); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error = %v, want one with %v below", err, io.ErrUnexpectedEOF)
	}
}
