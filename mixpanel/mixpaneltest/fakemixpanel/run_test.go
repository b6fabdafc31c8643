package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// serve runs the command on a free port and returns its base URL.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, in := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"--listen", "127.0.0.1:0"}, args...), in, t.Output()) }()
	t.Cleanup(func() {
		cancel()
		if c := <-code; c != exitDone {
			t.Errorf("exit code %d", c)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// do sends a request and returns status and body.
func do(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("sa", "s3cret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestServesProfiles(t *testing.T) {
	t.Parallel()
	url := serve(t, "--control", "--profiles", "30", "--page-size", "7", "--also", "67890")
	if status, body := do(t, http.MethodPut, url+"/_profiles/12345/new", `{"x":1}`); status != 200 {
		t.Errorf("put: %d %s", status, body)
	}
	for id, want := range map[string]int{"12345": 31, "67890": 30} {
		resp, err := http.PostForm(strings.Replace(url, "//", "//sa:s3cret@", 1)+mixpaneltest.QueryPath+"engage?project_id="+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Total   int
			Results []any
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil || page.Total != want || len(page.Results) != 7 {
			t.Errorf("project %s: %d profiles, %d on the page, %v; want %d and 7", id, page.Total, len(page.Results), err, want)
		}
	}
}

const oneDay = mixpaneltest.ExportPath + "?project_id=12345&from_date=2025-01-02&to_date=2025-01-02"

func TestServesAndIsSteered(t *testing.T) {
	t.Parallel()
	url := serve(t, "--control", "--events-per-day", "5", "--precompute", "2025-01-01..2025-01-03")
	if status, body := do(t, http.MethodGet, url+oneDay, ""); status != 200 || strings.Count(body, "\n") != 5 {
		t.Errorf("status %d, body %q", status, body)
	}
	status, body := do(t, http.MethodPost, url+"/_faults",
		`{"kind":"status-503","days":{"from":"2025-01-01","to":"2025-01-31"},"times":1}`)
	var injection mixpaneltest.Injection
	if err := json.Unmarshal([]byte(body), &injection); err != nil || status != http.StatusCreated {
		t.Fatalf("status %d, body %q, %v", status, body, err)
	}
	if status, _ := do(t, http.MethodGet, url+oneDay, ""); status != http.StatusServiceUnavailable {
		t.Errorf("status %d under a fault", status)
	}
	if status, body := do(t, http.MethodGet, url+"/_faults", ""); !strings.Contains(body, `"status-503"`) {
		t.Errorf("faults in force: status %d, body %q", status, body)
	}
	if status, _ := do(t, http.MethodDelete, url+"/_faults/1", ""); status != http.StatusNoContent || injection.ID != 1 {
		t.Errorf("removal: status %d, fault %d", status, injection.ID)
	}
	if status, _ := do(t, http.MethodDelete, url+"/_faults/1", ""); status != http.StatusNotFound {
		t.Errorf("second removal: status %d", status)
	}
	if status, _ := do(t, http.MethodPost, url+"/_faults", `{"kind":"status-503","sometimes":true}`); status != 400 {
		t.Errorf("unknown field: status %d", status)
	}
	var log []mixpaneltest.Request
	if _, body := do(t, http.MethodGet, url+"/_requests", ""); json.Unmarshal([]byte(body), &log) != nil || len(log) != 2 ||
		log[1].Fault != mixpaneltest.Status503 {
		t.Errorf("log %s", body)
	}
	if status, body := do(t, http.MethodGet, url+mixpaneltest.QueryPath+"funnels/list?project_id=12345", ""); status != 200 {
		t.Errorf("query: status %d, body %q", status, body)
	}
	if _, body := do(t, http.MethodGet, url+"/_queries", ""); json.Unmarshal([]byte(body), &log) != nil || len(log) != 1 ||
		log[0].Call != "funnels/list" {
		t.Errorf("log of queries %s", body)
	}
}

func TestNoControlsUnlessAsked(t *testing.T) {
	t.Parallel()
	url := serve(t)
	if status, _ := do(t, http.MethodGet, url+"/_requests", ""); status != http.StatusNotFound {
		t.Errorf("status %d, want 404", status)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
	}{
		{"help", []string{"--help"}, exitDone},
		{"unknown flag", []string{"--nope"}, exitUsage},
		{"argument", []string{"nope"}, exitUsage},
		{"unknown zone", []string{"--zone", "Moon/Tycho"}, exitFailed},
		{"unknown region", []string{"--region", "mars"}, exitFailed},
		{"days that are none", []string{"--precompute", "yesterday"}, exitFailed},
		{"days in the wrong order", []string{"--precompute", "2025-01-02..2025-01-01"}, exitFailed},
		{"no such address", []string{"--listen", "nowhere"}, exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if code := run(t.Context(), tt.args, io.Discard, t.Output()); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
		})
	}
}

func TestServesSeveralProjects(t *testing.T) {
	t.Parallel()
	url := serve(t, "--events-per-day", "5", "--also", "67890,zone=America/Los_Angeles,shifted", "--also", "7")
	bodies := map[string]string{}
	for _, project := range []string{"12345", "67890", "7"} {
		status, body := do(t, http.MethodGet, url+strings.Replace(oneDay, "12345", project, 1), "")
		if status != 200 || strings.Count(body, "\n") != 5 {
			t.Errorf("project %s: status %d, body %q", project, status, body)
		}
		bodies[body] = project
	}
	if len(bodies) != 3 {
		t.Errorf("projects share their events: %v", bodies)
	}
	for _, bad := range []string{"web", "1,zone=Nowhere", "1,color=red"} {
		if code := run(t.Context(), []string{"--also", bad}, io.Discard, io.Discard); code != exitUsage {
			t.Errorf("--also %s: exit code %d, want %d", bad, code, exitUsage)
		}
	}
}
