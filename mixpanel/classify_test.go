package mixpanel

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/fault"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const month = "Mon, 21 Dec 2026 12:00:00 GMT"
	tests := []struct {
		name    string
		status  int
		headers []string // "Name: value"
		body    string
		want    Error // Status, Message and Limits are not compared
		code    fault.Code
	}{
		{"days after today can be left out", 400, nil, "to_date cannot be later than today", Error{Action: GiveUp, Reason: ReasonFuture}, fault.CodeUsage},
		{"Mixpanel's own timeout is temporary", 400, nil, "Timeout Error.", Error{Action: Retry, Reason: ReasonTimeout, Smaller: true}, fault.CodeFailed},
		{"400 may be about credentials", 400, nil, "Unable to authenticate request", Error{Action: GiveUp, Reason: ReasonAuth}, fault.CodeAuth},
		{"or about the service account", 400, nil, `{"error":"Invalid service account credentials"}`, Error{Action: GiveUp, Reason: ReasonAuth}, fault.CodeAuth},
		{"an unknown 400 is temporary", 400, nil, `{"error":"hmm"}`, Error{Action: Retry, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"a project of another region will not move", 400, nil, `{"error":"request failed with error: invalid project id for cluster."}`, Error{Action: GiveUp, Reason: ReasonRegion}, fault.CodeUsage},
		{"405 lasts", 405, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"407 lasts", 407, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"411 lasts", 411, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"413 lasts", 413, nil, "<html><head><title>413 Request Entity Too Large</title></head></html>", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"414 lasts", 414, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"415 lasts", 415, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"422 lasts", 422, nil, `{"error":"no"}`, Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"422 with a reason that passes does not", 422, nil, "Timeout Error.", Error{Action: Retry, Reason: ReasonTimeout, Smaller: true}, fault.CodeFailed},
		{"431 lasts", 431, nil, "", Error{Action: GiveUp, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"401 is about credentials, whatever it says", 401, nil, "", Error{Action: GiveUp, Reason: ReasonAuth}, fault.CodeAuth},
		{"402 is about the plan", 402, nil, "Payment required", Error{Action: GiveUp, Reason: ReasonPlan}, fault.CodeFailed},
		{"a limit in days is permanent, and known", 403, nil, `{"error":"Date range exceeds 365 days into the past"}`, Error{Action: GiveUp, Reason: ReasonTooOld, MaxAgeDays: 365}, fault.CodeUsage},
		{"a limit in days may be unknown", 403, nil, "Date range exceeds what you may see", Error{Action: GiveUp, Reason: ReasonTooOld}, fault.CodeUsage},
		{"any other 403 is about permissions", 403, nil, "no", Error{Action: GiveUp, Reason: ReasonAuth}, fault.CodeAuth},
		{"404 means no data", 404, nil, "", Error{Action: GiveUp, Reason: ReasonNotFound}, fault.CodeNotFound},
		{"408 is a timeout", 408, nil, "", Error{Action: Retry, Reason: ReasonTimeout, Smaller: true}, fault.CodeFailed},
		{"an unknown 4xx is temporary", 418, nil, "teapot", Error{Action: Retry, Reason: ReasonBadRequest}, fault.CodeUsage},
		{"a crowd passes soon", 429, nil, `{"error": "too many export requests in progress for this project"}`, Error{Action: Pause, Reason: ReasonBusy, After: 15 * time.Second}, fault.CodeRateLimited},
		{"a crowd may have a time", 429, []string{"Retry-After: 20"}, "too many export requests in progress", Error{Action: Pause, Reason: ReasonBusy, After: 20 * time.Second}, fault.CodeRateLimited},
		{"a crowd shows in the headers", 429, []string{`RateLimit: "project";r=10;t=3600, "project-concurrency";r=0`}, "", Error{Action: Pause, Reason: ReasonBusy, After: 15 * time.Second}, fault.CodeRateLimited},
		{"Retry-After in seconds", 429, []string{"Retry-After: 1200"}, "", Error{Action: Pause, Reason: ReasonQuota, After: 20 * time.Minute}, fault.CodeRateLimited},
		{"Retry-After as a date", 429, []string{"Retry-After: Sun, 22 Nov 2026 12:10:00 GMT"}, "", Error{Action: Pause, Reason: ReasonQuota, After: 10 * time.Minute}, fault.CodeRateLimited},
		{"Retry-After in the past", 429, []string{"Retry-After: Sun, 22 Nov 2026 11:00:00 GMT"}, "", Error{Action: Pause, Reason: ReasonQuota, After: time.Second}, fault.CodeRateLimited},
		{"Retry-After at once", 429, []string{"Retry-After: 0"}, "", Error{Action: Pause, Reason: ReasonQuota, After: time.Second}, fault.CodeRateLimited},
		{"Retry-After in a month", 429, []string{"Retry-After: " + month}, "", Error{Action: Pause, Reason: ReasonQuota, After: 2 * time.Hour}, fault.CodeRateLimited},
		{"Retry-After without end", 429, []string{"Retry-After: 9223372036854775807"}, "", Error{Action: Pause, Reason: ReasonQuota, After: 2 * time.Hour}, fault.CodeRateLimited},
		{"Retry-After before the time of the limit", 429, []string{"Retry-After: 60", `RateLimit: "project";r=0;t=3600`}, "", Error{Action: Pause, Reason: ReasonQuota, After: time.Minute}, fault.CodeRateLimited},
		{"a quota may have its time in RateLimit", 429, []string{`RateLimit: "project";r=0;t=3600, "project-concurrency";r=3`}, "", Error{Action: Pause, Reason: ReasonQuota, After: time.Hour}, fault.CodeRateLimited},
		{"headers outweigh the text", 429, []string{`RateLimit: "project";r=0;t=90`}, "too many export requests in progress", Error{Action: Pause, Reason: ReasonQuota, After: 90 * time.Second}, fault.CodeRateLimited},
		{"a quota outweighs a crowd", 429, []string{`RateLimit: "project-concurrency";r=0`, `RateLimit: "project";r=0`}, "", Error{Action: Pause, Reason: ReasonQuota, After: 5 * time.Minute}, fault.CodeRateLimited},
		{"a quota outweighs a crowd that has a time", 429, []string{`RateLimit: "project-concurrency";r=0;t=5, "project";r=0, "other";r=0;t=600`}, "", Error{Action: Pause, Reason: ReasonQuota, After: 10 * time.Minute}, fault.CodeRateLimited},
		{"a quota may show in the text alone", 429, nil, `{"error":"Query rate limit exceeded for project_id: 1."}`, Error{Action: Pause, Reason: ReasonQuota, After: 5 * time.Minute}, fault.CodeRateLimited},
		{"429 without a word is a failure", 429, nil, "", Error{Action: Retry, Reason: ReasonQuota, Smaller: true}, fault.CodeRateLimited},
		{"nonsense in headers is no word", 429, []string{"Retry-After: soon", "RateLimit: ;;=,=;r"}, "", Error{Action: Retry, Reason: ReasonQuota, Smaller: true}, fault.CodeRateLimited},
		{"500 is temporary", 500, nil, "oops", Error{Action: Retry, Reason: ReasonServer, Smaller: true}, fault.CodeFailed},
		{"503 may have a time", 503, []string{"Retry-After: 30"}, "", Error{Action: Retry, Reason: ReasonServer, Smaller: true, After: 30 * time.Second}, fault.CodeFailed},
		{"504 is a timeout", 504, nil, "", Error{Action: Retry, Reason: ReasonTimeout, Smaller: true}, fault.CodeFailed},
		{"their trouble with credentials is not ours", 503, nil, "Unable to authenticate", Error{Action: Retry, Reason: ReasonServer, Smaller: true}, fault.CodeFailed},
		{"half an answer is none", 206, nil, "", Error{Action: Retry, Reason: ReasonServer}, fault.CodeFailed},
		{"a redirect to nowhere is temporary", 304, nil, "", Error{Action: Retry, Reason: ReasonServer}, fault.CodeFailed},
		{"what will never be possible has no time", 401, []string{"Retry-After: 30"}, "", Error{Action: GiveUp, Reason: ReasonAuth}, fault.CodeAuth},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := classify(tt.status, header(t, tt.headers), []byte(tt.body), now)
			ignore := cmpopts.IgnoreFields(Error{}, "Status", "Message", "Limits", "err")
			if diff := cmp.Diff(tt.want, *got, ignore, cmpopts.IgnoreUnexported(Error{})); diff != "" {
				t.Errorf("classify(%d, %q, %q) (-want +got):\n%s", tt.status, tt.headers, tt.body, diff)
			}
			if got.FaultCode() != tt.code {
				t.Errorf("FaultCode = %s, want %s", got.FaultCode(), tt.code)
			}
			if got.Status != tt.status {
				t.Errorf("Status = %d, want %d", got.Status, tt.status)
			}
		})
	}
}

func header(tb testing.TB, lines []string) http.Header {
	tb.Helper()
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"plain text", " plain \n", "plain"},
		{"an error in JSON", `{"request":"/api/2.0/export?where=x","error":"bad"}`, "bad"},
		{"an error that is an object", `{"error":{"code":1}}`, `{"code":1}`},
		{"a message in JSON", `{"message":"bad"}`, "bad"},
		{"an error that is null", `{"error":null,"message":"bad"}`, "bad"},
		{"JSON without either", `{"status":"error"}`, `{"status":"error"}`},
		{"JSON of other types", `{"error":"bad","message":1}`, `{"error":"bad","message":1}`},
		{"half of JSON", `{"error":"ba`, `{"error":"ba`},
		{"a page", "<!doctype html>bad", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := errorText([]byte(tt.body)); got != tt.want {
				t.Errorf("errorText(%q) = %q, want %q", tt.body, got, tt.want)
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"lines become one", "a\r\n\tb  c\n", "a b c"},
		{"escapes cannot colour a terminal", "\x1b[31mred\x07\u009b0m", "[31mred 0m"},
		{"text keeps its direction", "a\u202eb\u200bc\u2028d", "a b c d"},
		{"bytes become text", "a\xffb", "a\uFFFDb"},
		{"long texts are cut between characters", strings.Repeat("ü", 200), strings.Repeat("ü", 148) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := clean(tt.text); got != tt.want {
				t.Errorf("clean(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(429, "60", `"project";r=0;t=3600, "project-concurrency";r=3`, "too many export requests in progress")
	f.Add(403, "Sun, 22 Nov 2026 12:10:00 GMT", `;r=-1;t=`, `{"error":"Date range exceeds 999999 days"}`)
	f.Add(400, "-1", ``, "\x00\xff{")
	f.Add(0, "99999999999999999999", `"a;r=0`, `{"error":{"error":[]}}`)
	f.Fuzz(func(t *testing.T, status int, after, limit, body string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit": {limit}}
		checkError(t, classify(status, h, []byte(body), time.Unix(1.8e9, 0)))
	})
}

// checkError fails the test if e breaks a general rule of Error.
func checkError(tb testing.TB, e *Error) {
	tb.Helper()
	if len(e.Message) > maxMessage || !utf8.ValidString(e.Message) || strings.ContainsFunc(e.Message, unicode.IsControl) {
		tb.Errorf("message = %q", e.Message)
	}
	if e.After < 0 || e.After > maxWait || e.Action == Pause && e.After == 0 || e.Action == GiveUp && e.After != 0 {
		tb.Errorf("%s after %s", e.Action, e.After)
	}
	if e.Action == "" || e.Reason == "" || e.Error() == "" {
		tb.Errorf("error = %+v", e)
	}
}
