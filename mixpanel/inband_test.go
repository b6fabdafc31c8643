package mixpanel

import (
	"strings"
	"testing"
)

func TestInBandError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		line   string
		action Action // "" means that the line is no report
		reason Reason
	}{
		{"an early end", "terminated early", Retry, ReasonTruncated},
		{"an early end of an export", "export terminated early\r\n", Retry, ReasonTruncated},
		{"an early end, quoted", ` "Terminated early." `, Retry, ReasonTruncated},
		{"a limit", "rate limit reached", Pause, ReasonQuota},
		{"an error object", `{"error":"Internal error"}`, Retry, ReasonTruncated},
		{"with spaces", "\t{ \"error\" : \"Timeout Error.\" } \r", Retry, ReasonTimeout},
		{"with other keys", `{"request":"/api/2.0/export","status":"error","error":"boom"}`, Retry, ReasonTruncated},
		{"that is an object itself", `{"error":{"code":500}}`, Retry, ReasonTruncated},
		{"cut off", `{"error":"Time`, Retry, ReasonTruncated},
		{"cut off behind the key", `{"error":`, Retry, ReasonTruncated},
		{"about credentials", `{"error":"Unable to authenticate request"}`, GiveUp, ReasonAuth},
		{"about a crowd", `{"error":"too many export requests in progress for this project"}`, Pause, ReasonBusy},
		{"about old days", `{"error":"Date range exceeds 90 days into the past"}`, GiveUp, ReasonTooOld},

		{"nothing", "", "", ""},
		{"white space", " \r\n", "", ""},
		{"an event", `{"event":"a","properties":{"error":"x"}}`, "", ""},
		{"an event with an error", `{"error":"x","event":"a","properties":{}}`, "", ""},
		{"properties with an error", `{"properties":{},"error":"x"}`, "", ""},
		{"half an event", `{"event":"a","properties":{"error":"x`, "", ""},
		{"an event whose name is an error", `{"event":"error"`, "", ""},
		{"another key", `{"error_code":1}`, "", ""},
		{"an error further down", `{"result":{"error":"x"}}`, "", ""},
		{"no error", `{"error":null}`, "", ""},
		{"an array", `["error"]`, "", ""},
		{"text around the words", "the export terminated early today", "", ""},
		{"a long line", `{"error":"` + strings.Repeat("x", maxInBand) + `"}`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := InBandError([]byte(tt.line))
			if tt.action == "" {
				if got != nil {
					t.Errorf("InBandError(%q) = %v, want nil", tt.line, got)
				}
				return
			}
			if got == nil || got.Action != tt.action || got.Reason != tt.reason || got.Status != 0 {
				t.Fatalf("InBandError(%q) = %+v, want %s because of %s", tt.line, got, tt.action, tt.reason)
			}
			checkError(t, got)
		})
	}
}

func TestInBandErrorHintsAtTheRegion(t *testing.T) {
	t.Parallel()
	if hint := InBandError([]byte("terminated early")).Hint(); !strings.Contains(hint, "region") {
		t.Errorf("hint = %q, want something about the region", hint)
	}
}

//nolint:paralleltest // allocations are counted for the whole process
func TestInBandErrorIsCheapForOtherLines(t *testing.T) {
	for _, line := range []string{"garbage", `{"event":"a","properties":{`, `{"foo":"` + strings.Repeat("x", 1000) + `"}`} {
		b := []byte(line)
		if n := testing.AllocsPerRun(100, func() { InBandError(b) }); n != 0 {
			t.Errorf("InBandError(%.20q…) allocates %v times", line, n)
		}
	}
}

func FuzzInBandError(f *testing.F) {
	for _, s := range []string{"terminated early", `{"error":"x"}`, `{"error":`, `{ "error" : {}`, `{"status":1,"error":"\u0000"}`, "{", `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if e := InBandError(line); e != nil {
			checkError(t, e)
		}
	})
}
