package mixpanel_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"mixduck/mixpanel"
)

// A response without the requested result is an error, whatever it contains instead.
func TestQueriesRefuseAnswersWithoutAResult(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"error":{"code":500}}`, `{"errors":["Timeout Error."]}`, `{"status":"error","message":"query timed out"}`,
		"<html></html>", "", "null", "terminated early", `{"a":{"count":1}}{`, `{"a":{"count":1}} terminated early`, `{"a":{"count":1}`,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
			got, err := c.EventProperties(t.Context(), 1, "a", 0)
			if e, ok := errors.AsType[*mixpanel.Error](err); !ok || e.Action != mixpanel.Retry || got != nil {
				t.Errorf("EventProperties = %v, %v, want an error to retry", got, err)
			}
			if _, err := c.Segmentation(t.Context(), mixpanel.SegmentationRequest{Project: 1, Event: "a", Days: october().Days}); err == nil {
				t.Error("Segmentation takes it for a result")
			}
			if _, err := c.TopEvents(t.Context(), 1, "", 0); err == nil {
				t.Error("TopEvents takes it for a result")
			}
		})
	}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "\ufeff"+`{"error":{"count":3}}`)
	})
	if got, err := c.EventProperties(t.Context(), 1, "a", 0); err != nil || len(got) != 1 || got[0].Count != 3 {
		t.Errorf("EventProperties = %v, %v, want a property named error, 3 times", got, err)
	}
}
