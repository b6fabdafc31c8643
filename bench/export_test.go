package bench_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/day"
)

const (
	perDay   = 1_000_000
	exported = "12345"      // its project
	first    = "2026-10-01" // the days of the stand-in
)

// export is the data to fetch: a stand-in for Mixpanel in a separate process, so that its memory and time do not count
// as the worker's, and its first day as a file.
type export struct {
	dir  string
	url  string
	file string // gzip
	rows int64  // in the file
}

// newExport serves the given number of events. It generates all days before it returns.
func newExport(b *testing.B, events int) *export {
	b.Helper()
	return newDays(b, perDay, events/perDay)
}

// newDays serves some days with the given number of events each.
func newDays(b *testing.B, eventsPerDay, days int) *export {
	b.Helper()
	dir := b.TempDir()
	e := &export{dir: dir, url: serve(b, eventsPerDay, days), file: filepath.Join(dir, "day.ndjson.gz"), rows: int64(eventsPerDay)}
	e.download(b)
	return e
}

// serve starts a stand-in with the given number of events per day. It generates all days before it returns the URL.
func serve(b *testing.B, eventsPerDay, days int) string {
	b.Helper()
	from := firstDay(b)
	last := from + day.Day(days-1)
	cmd := exec.Command("../bin/fakemixpanel", "--listen", "127.0.0.1:0", "--project", exported, "--username", "sa", "--secret", "s3cret",
		"--events-per-day", strconv.Itoa(eventsPerDay), "--no-limits", "--precompute", from.String()+".."+last.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatalf("start the stand-in (make build?): %v", err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the stand-in did not start: %v", err)
	}
	return strings.TrimSpace(line)
}

func firstDay(b *testing.B) day.Day {
	b.Helper()
	d, err := day.Parse(first)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// download saves the first day as the stand-in sends it.
func (e *export) download(b *testing.B) {
	b.Helper()
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/2.0/export?project_id=%s&from_date=%s&to_date=%s", e.url, exported, first, first), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("sa", "s3cret")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	file, err := os.Create(e.file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := file.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("the stand-in answered %s: %v", resp.Status, err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}
