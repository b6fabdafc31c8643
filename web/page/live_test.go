package page_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"mixduck/web/page"
)

// events reads a stream of server-sent events. It returns a function that waits for one with a name and a text in it, and the
// number of parts so far.
func (b *browser) events(tb testing.TB, path string) (wait func(name, text string) bool, parts *int) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, b.site.server.URL+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := b.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		tb.Fatalf("%s: %s, %s", path, resp.Status, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	parts = new(int)
	return func(name, text string) bool {
		event := ""
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "event":
				event = value
			case "data":
				var data string
				if err := json.Unmarshal([]byte(value), &data); err != nil {
					tb.Fatal(err)
				}
				if event == "part" {
					*parts++
				}
				if event == name && strings.Contains(data, text) {
					return true
				}
			}
		}
		return false
	}, parts
}

func TestOpenPagesFollowTheQueue(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	wait, _ := s.user(t).events(t, "/jobs")
	if !wait("part", "No job matches.") {
		t.Fatal("the stream ended before its first state")
	}
	job := s.submit(t, "events")
	if !wait("part", job.ID) {
		t.Fatal("the stream ended before the new job")
	}
	if _, err := s.queue.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if !wait("part", "cancelled") {
		t.Fatal("the stream ended before the job was cancelled")
	}
	if err := s.rdb.Do(t.Context(), "HSET", "mixduck:projects", "x", "{").Err(); err != nil { // no JSON
		t.Fatal(err)
	}
	if !wait("gone", "") {
		t.Fatal("the stream ended before the queue could not be read")
	}
	s.page.Close()
	if wait("part", "never") {
		t.Fatal("an event after the end")
	}
}

// Nothing is sent for a state that the client has.
func TestUnchangedPartsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	wait, parts := s.user(t).events(t, "/tables")
	if !wait("part", "No table") {
		t.Fatal("the stream ended before its first state")
	}
	s.addSchedule(t, "morning")
	if !wait("part", "events") {
		t.Fatal("the stream ended before the new table")
	}
	s.page.Close()
	if wait("part", "never"); *parts != 2 {
		t.Errorf("%d parts were sent, want two", *parts)
	}
}

func TestPagesThatDoNotChange(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	if status, _ := s.user(t).do(t, http.MethodGet, "/settings", http.NoBody, map[string]string{"Accept": "text/event-stream"}); status != http.StatusNotAcceptable {
		t.Errorf("a stream of settings: %d", status)
	}
}
