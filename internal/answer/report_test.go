package answer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A line between two events is a report, and the response fails, or it is set aside unchanged. It is never stored, and
// changes no other line.
func TestLinesBetweenEvents(t *testing.T) {
	t.Parallel()
	a, b, half := event(1), event(2), event(3)[:60]
	reports := []string{
		"upstream connect error or disconnect/reset before headers. reset reason: connection termination", "upstream request timeout",
		"stream timeout", "Bad Gateway", "504 Gateway Time-out", "Service Unavailable", "Internal Server Error", "error code: 1015", "HTTP/1.1 500 X", "http 503",
		"<html><head><title>502</title></head></html>", "<br>", "<!-- x -->", `<?xml version="1.0"?><Code>SlowDown</Code>`, "\ufeff<p>", "  <p>",
		`{"status":"error"}`, `{"message":"x"}`, `{"Message":"x"}`, `{"message":null,"code":500}`, `{"code":14,"details":[]}`, `{"statusCode":503}`,
		`{"http_status": 500}`, `{"request":"/x","error":"y"}`, `{"request":"/x","errors":[]}`, `{"err":"x"}`, `{"msg":"x"}`, `{"success":false}`, `{"ok": false}`,
		`{"__type":"ThrottlingException"}`, `{"fault":{"faultstring":"x"}}`, `{"detail":"x"}`, `["error"]`, `"Error"`, `{"error`, `{"a":{"error":1}}`,
		"terminated early", "export terminated early", "x: Terminated early (7)", "terminated early" + half, "Traceback (most recent call last):", "Segmentation fault",
		"Killed", "Out of memory", "unexpected EOF", "Connection lost", "Broken pipe", "Access Denied", "Stream ended prematurely", "Something went wrong",
		"FATAL: x", "[warn] x", "Request limit reached", "maintenance window", "process was aborted",
	}
	for _, line := range reports {
		if got, err := read(t, a+"\n"+line+"\n"+b, 1<<12); !errors.Is(err, ErrNotWhole) {
			t.Errorf("%q between events: %v, %q, want it to fail", line, err, got)
		}
	}
	others := []string{
		"null", "[]", "{}", "true", "0", `""`, "{", "}", "[", "]", ",", "\x1f\x8b", "3e8", "plain text", "{'event': 'x'}", `{"answer":200}`, `{"ok":true}`,
		half, half + "terminated early", half + `{"error":"x"}`, half + "<html>", half + event(3), `{"event":"x"}`, `{"properties":{"time":1}}`, event(3)[60:],
		`{"event":"Error","properties":`, `{ "event" : "HTTP 500"`,
	}
	for _, line := range others {
		got, err := read(t, a+"\n"+line+"\n"+b, 1<<12)
		if err != nil || len(got) != 3 || got[1][0] != '(' {
			t.Errorf("%q between events: %v, %q, want it to be set aside", line, err, got)
			continue
		}
		if diff := cmp.Diff([]string{a, b}, []string{got[0], got[2]}); diff != "" || !accounted(a+line+b, got) {
			t.Errorf("%q between events: the others (-want +got):\n%s", line, diff)
		}
	}
	for _, line := range append(reports, others...) { // appended to a complete event it is never stored
		for _, text := range []string{a + line + "\n" + b, a + "\n" + line + b} {
			got, err := read(t, text, 1<<12)
			for _, l := range got {
				if err == nil && l[0] != '(' && l != a && l != b {
					t.Errorf("%q: stored %q", text, l)
				}
			}
		}
	}
}

// Forms of reports are found at both ends of a line that is too long to search completely, words anywhere.
func TestReportsInLongLines(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("abcdefgh ", reportSize/2)
	for line, want := range map[string]bool{
		filler: false, "HTTP/1.1 500 X " + filler: true, filler + ` "ok": false`: true, filler + "denied" + filler: true,
	} {
		if got := isReport([]byte(line)); got != want {
			t.Errorf("isReport(%.20q … %q) = %v, want %v", line, line[len(line)-20:], got, want)
		}
	}
}
