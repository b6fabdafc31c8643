package mixpanel

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		text   string
		action Action // "" means nothing
		reason Reason
	}{
		{"an early end", "terminated early", Retry, ReasonTruncated},
		{"an early end of an export", "export terminated early\r\n", Retry, ReasonTruncated},
		{"an early end, quoted", ` "Terminated early." `, Retry, ReasonTruncated},
		{"text around the words", "the export terminated early today", Retry, ReasonTruncated},
		{"text of a proxy", "upstream connect error or disconnect/reset before headers. reset reason: connection termination", Retry, ReasonTruncated},
		{"text that nobody knows", "that went wrong", Retry, ReasonTruncated},
		{"a limit", "rate limit reached", Pause, ReasonQuota},
		{"an error object", `{"error":"Internal error"}`, Retry, ReasonTruncated},
		{"with spaces", "\t{ \"error\" : \"Timeout Error.\" } \r", Retry, ReasonTimeout},
		{"over several lines", "{\n  \"error\": \"Timeout Error.\",\n  \"request\": \"/api/2.0/export\"\n}\n", Retry, ReasonTimeout},
		{"with other keys", `{"request":"/api/2.0/export","status":"error","error":"boom"}`, Retry, ReasonTruncated},
		{"that is an object itself", `{"error":{"code":500}}`, Retry, ReasonTruncated},
		{"under another name", `{"errors":["Timeout Error."]}`, Retry, ReasonTimeout},
		{"as a message", `{"status":"error","message":"query timed out"}`, Retry, ReasonTruncated},
		{"cut off", `{"error":"Time`, Retry, ReasonTruncated},
		{"cut off behind the key", `{"error":`, Retry, ReasonTruncated},
		{"about credentials", `{"error":"Unable to authenticate request"}`, GiveUp, ReasonAuth},
		{"about a crowd", `{"error":"too many export requests in progress for this project"}`, Pause, ReasonBusy},
		{"about a session", `{"error":"request for page in uncached query for params","status":"error"}`, Retry, ReasonSession},
		{"about old days", `{"error":"Date range exceeds 90 days into the past"}`, GiveUp, ReasonTooOld},
		{"a page", "<html>\r\n<body>quota</body>\r\n</html>", Retry, ReasonTruncated},
		{"a long text", strings.Repeat("x", 2*maxReport), Retry, ReasonTruncated},

		{"nothing", "", "", ""},
		{"white space", " \r\n", "", ""},
		{"an event", `{"event":"a","properties":{"error":"x"}}`, "", ""},
		{"an event with an error", `{"error":"x","event":"a","properties":{}}`, "", ""},
		{"properties with an error", `{"properties":{},"error":"x"}`, "", ""},
		{"half an event", `{"event":"a","properties":{"error":"x`, "", ""},
		{"half an event and a known text", `{"event":"Quota","properties":{"error":"xterminated early`, "", ""},
		{"the other half of an event", `rate limit","time":1}}`, "", ""},
		{"an event whose name is an error", `{"event":"error"`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Report([]byte(tt.text))
			if tt.action == "" {
				if got != nil {
					t.Errorf("Report(%q) = %v, want nil", tt.text, got)
				}
				return
			}
			if got == nil || got.Action != tt.action || got.Reason != tt.reason || got.Status != 0 {
				t.Fatalf("Report(%q) = %+v, want %s because of %s", tt.text, got, tt.action, tt.reason)
			}
			checkError(t, got)
		})
	}
}

func TestReportHintsAtTheRegion(t *testing.T) {
	t.Parallel()
	if hint := Report([]byte("terminated early")).Hint(); !strings.Contains(hint, "region") {
		t.Errorf("hint = %q, want something about the region", hint)
	}
}

func FuzzReport(f *testing.F) {
	for _, s := range []string{"terminated early", `{"error":"x"}`, `{"error":`, `{ "error" : {}`, `{"status":1,"error":"\u0000"}`, "{", `"`, "<"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if e := Report(text); e != nil {
			checkError(t, e)
		}
	})
}
