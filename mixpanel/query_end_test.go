package mixpanel_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

func TestQueriesEndInTime(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	slow := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(10 * time.Second):
			case <-r.Context().Done():
			}
		}
	}
	tests := []struct {
		name   string
		cfg    mixpanel.Config
		server http.HandlerFunc
		want   time.Duration
	}{
		{"silence ends after two minutes", mixpanel.Config{}, silent, 2 * time.Minute},
		{"so does an answer that goes on and on", mixpanel.Config{}, slow, 2 * time.Minute},
		{"the time can be set", mixpanel.Config{QueryTimeout: time.Minute}, slow, time.Minute},
		{"silence can end sooner", mixpanel.Config{FirstByteTimeout: time.Second}, silent, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, stop := serveFake(t, tt.cfg, tt.server)
				defer stop()
				start := time.Now()
				_, err := c.EventNames(t.Context(), 1, 0)
				wantError(t, err, mixpanel.Retry, mixpanel.ReasonTimeout)
				if took := time.Since(start); took != tt.want {
					t.Errorf("took %s, want %s", took, tt.want)
				}
			})
		})
	}
}

func TestQueriesCanBeCancelled(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{mixpaneltest.SlowFirstByte, mixpaneltest.Stall} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			fake, c := serveEvents(t, 20)
			held, err := fake.Inject(mixpaneltest.Fault{Kind: kind, Call: "*"})
			if err != nil {
				t.Fatal(err)
			}
			why := errors.New("nobody wants to know any more")
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-held.Reached()
				cancel(why)
			}()
			_, err = c.Segmentation(ctx, week())
			if !errors.Is(err, why) || !strings.HasPrefix(err.Error(), "query segmentation: ") {
				t.Errorf("Segmentation = %v, want %v, and the call's name", err, why)
			}
		})
	}
}
