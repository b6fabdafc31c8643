package mixpanel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
)

func TestExportSendsWhatWasAsked(t *testing.T) {
	t.Parallel()
	week := october().Days
	tests := []struct {
		name    string
		request mixpanel.ExportRequest
		want    string
	}{
		{"a plain range", october(), "from_date=2026-10-01&project_id=12345&to_date=2026-10-07"},
		{
			"a single day",
			mixpanel.ExportRequest{Project: 1, Days: day.Range{From: week.From, To: week.From}},
			"from_date=2026-10-01&project_id=1&to_date=2026-10-01",
		},
		{
			"events as a JSON array, characters of HTML and all",
			mixpanel.ExportRequest{Project: 1, Days: week, Events: []string{"Sign up", `<"ü">&`}},
			"event=" + url.QueryEscape(`["Sign up","<\"ü\">&"]`) + "&from_date=2026-10-01&project_id=1&to_date=2026-10-07",
		},
		{
			"a condition",
			mixpanel.ExportRequest{Project: 1, Days: week, Where: `properties["$os"] == "a&b=c"`},
			"from_date=2026-10-01&project_id=1&to_date=2026-10-07&where=" + url.QueryEscape(`properties["$os"] == "a&b=c"`),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			c := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Clone(context.WithoutCancel(r.Context())) })
			b, err := c.Export(t.Context(), tt.request)
			if err != nil {
				t.Fatal(err)
			}
			_ = b.Close()
			if got.Method != http.MethodGet || got.URL.Path != "/api/2.0/export" || got.URL.RawQuery != tt.want {
				t.Errorf("%s %s?%s, want GET /api/2.0/export?%s", got.Method, got.URL.Path, got.URL.RawQuery, tt.want)
			}
			user, pass, _ := got.BasicAuth()
			if user != testUser || pass != testSecret {
				t.Errorf("credentials = %s:%s", user, pass)
			}
			if ae, ua := got.Header.Get("Accept-Encoding"), got.UserAgent(); ae != "gzip" || ua != "mixduck" {
				t.Errorf("Accept-Encoding %q, User-Agent %q, want gzip, mixduck", ae, ua)
			}
		})
	}
}

func TestExportRefusesNonsense(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, edit := range map[string]func(*mixpanel.ExportRequest){
		"no project":         func(r *mixpanel.ExportRequest) { r.Project = 0 },
		"no days":            func(r *mixpanel.ExportRequest) { r.Days.To = r.Days.From - 1 },
		"an empty name":      func(r *mixpanel.ExportRequest) { r.Events = []string{""} },
		"a broken name":      func(r *mixpanel.ExportRequest) { r.Events = []string{"\xff"} },
		"a broken condition": func(r *mixpanel.ExportRequest) { r.Where = "\xff" },
	} {
		r := october()
		edit(&r)
		_, err := c.Export(t.Context(), r)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
		if fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("%s: code = %s, want usage", name, fault.CodeOf(err))
		}
	}
}

func TestExportReturnsTheBytesAsSent(t *testing.T) {
	t.Parallel()
	lines := strings.Repeat(`{"event":"a","properties":{"time":1}}`+"\n", 100)
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	_, _ = io.WriteString(zw, lines)
	_ = zw.Close()
	tests := []struct {
		name, encoding, sent string
		zipped               bool
	}{
		{"plain", "", lines, false},
		{"identity", "identity", lines, false},
		{"gzip", "gzip", z.String(), true},
		{"gzip by its old name", "X-GZip", z.String(), true},
		{"nothing", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				w.Header().Set("RateLimit", `"project";r=41;t=1800`)
				_, _ = io.WriteString(w, tt.sent)
			})
			b, err := c.Export(t.Context(), october())
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got, err := io.ReadAll(b)
			if err != nil || string(got) != tt.sent || b.Gzip != tt.zipped || !b.Framed {
				t.Errorf("read %d bytes, %v, gzip %t, framed %t; want %d bytes, gzip %t, framed", len(got), err, b.Gzip, b.Framed, len(tt.sent), tt.zipped)
			}
			want := []mixpanel.Limit{{Name: "project", Remaining: 41, Reset: 30 * time.Minute}}
			if diff := cmp.Diff(want, b.Limits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExportRefusesUnknownEncodings(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") })
	_, err := c.Export(t.Context(), october())
	wantError(t, err, mixpanel.Retry, mixpanel.ReasonServer)
}

func TestExportReadsErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("too many words ", 1000)
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	_, _ = io.WriteString(zw, `{"error":"Unable to authenticate request"}`)
	_ = zw.Close()
	tests := []struct {
		name     string
		status   int
		encoding string
		body     string
		reason   mixpanel.Reason
		message  string // its beginning
	}{
		{"plain text", 400, "", "Unable to authenticate request\n", mixpanel.ReasonAuth, "Unable to authenticate request"},
		{"JSON", 400, "", `{"request":"/x","error":"Unable to authenticate request"}`, mixpanel.ReasonAuth, "Unable to authenticate request"},
		{"gzip", 400, "gzip", z.String(), mixpanel.ReasonAuth, "Unable to authenticate request"},
		{"broken gzip", 500, "gzip", "no gzip at all", mixpanel.ReasonServer, ""},
		{"a page", 502, "", "<html><title>502</title>", mixpanel.ReasonServer, ""},
		{"a long text", 500, "", long, mixpanel.ReasonServer, "too many words"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			_, err := c.Export(t.Context(), october())
			e, ok := errors.AsType[*mixpanel.Error](err)
			if !ok || e.Status != tt.status || e.Reason != tt.reason || !strings.HasPrefix(e.Message, tt.message) || len(e.Message) > 300 {
				t.Errorf("Export = %+v, want status %d, reason %s, message %q", err, tt.status, tt.reason, tt.message)
			}
			if tt.message == "" && e.Message != "" {
				t.Errorf("message = %q, want none", e.Message)
			}
		})
	}
}

func TestExportPacesEachProject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(http.ResponseWriter, *http.Request) {})
		defer stop()
		ask := func(project int64) {
			r := october()
			r.Project = project
			b, err := c.Export(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, b)
			_ = b.Close()
		}
		var sent []time.Time
		for range 10 {
			ask(1)
			sent = append(sent, time.Now())
		}
		for i := 3; i < len(sent); i++ {
			if d := sent[i].Sub(sent[i-3]); d <= time.Second {
				t.Errorf("requests %d to %d took %s, want more than a second", i-3, i, d)
			}
		}
		start := time.Now()
		ask(2)
		if d := time.Since(start); d != 0 {
			t.Errorf("another project waited %s", d)
		}
	})
}

func TestExportWaitsInLineOnlyAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		c, stop := serveFake(t, mixpanel.Config{}, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
		defer stop()
		b, err := c.Export(t.Context(), october())
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Close()

		soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := c.Export(soon, october()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Export = %v, want deadline exceeded", err)
		}
		why := errors.New("the job was cancelled")
		gone, end := context.WithCancelCause(t.Context())
		end(why)
		if _, err := c.Export(gone, october()); !errors.Is(err, why) {
			t.Errorf("Export = %v, want %v", err, why)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%d requests were sent, want 1", n)
		}
	})
}

func TestExportSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("protocol = %s", r.Proto)
		}
		_, _ = io.WriteString(w, "a\n")
		_ = http.NewResponseController(w).Flush() // length unknown
		if r.URL.Query().Get("where") == "cut" {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "b\n")
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := newClient(t, mixpanel.Config{BaseURL: srv.URL})
	c.Transport().TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()

	b, err := c.Export(t.Context(), october())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); string(got) != "a\nb\n" || err != nil || !b.Framed {
		t.Errorf("read %q, %v, framed %t; want a, b, framed", got, err, b.Framed)
	}

	r := october()
	r.Where = "cut"
	cut, err := c.Export(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	_, err = io.ReadAll(cut)
	if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonNetwork); !e.Smaller {
		t.Error("a broken stream does not call for smaller requests")
	}
}
