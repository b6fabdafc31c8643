//go:build pictures

package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// pictured is the configuration behind the pictures.
const pictured = `
projects:
  shop: {id: 12345, username: sa, secret_file: secret}
  app: {id: 67890, username: sa, secret_file: secret, database: app.db}
`

// maxPicture is the most that a committed picture may have, in bytes.
const maxPicture = 150_000

// maxHeight is where long pages are cut, in pixels.
const maxHeight = 1100

// TestPictures takes the pictures of docs/pictures: `make pictures`. It runs a worker with made-up data.
func TestPictures(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("../docs/pictures")
	if err != nil {
		t.Fatal(err)
	}
	s, worker := newPictured(t)
	running := s.fillForPictures(t)
	c := newCamera(t)
	c.visit(t, s.link(t, addressOf(t, worker)))
	base := "http://" + addressOf(t, worker)
	table := "/table?" + url.Values{"database": {"main/app.db"}, "table": {"events"}}.Encode()
	last := day.Of(time.Now().UTC()) - 1
	for _, p := range []struct{ name, path string }{
		{"overview", "/"},
		{"table", table},
		{"jobs", "/jobs"},
		{"job", "/jobs/" + running},
		{"schedules", "/schedules"},
		{"ask", c.ask(t, base, "sql", url.Values{"sql": {"SELECT event_name, count(*) AS events, count(DISTINCT distinct_id) AS users\nFROM events\nWHERE day >= DATE '" + (last - 6).String() + "'\nGROUP BY ALL ORDER BY events DESC\nLIMIT 12"}})},
		{"question", c.ask(t, base, "question", url.Values{"question": {"trend"}, "p.from": {(last - 89).String()}, "p.to": {last.String()}, "p.events": {"Checkout Started", "Purchase"}})},
	} {
		c.take(t, base+p.path, filepath.Join(dir, p.name+".png"), "light", 1240)
		if p.name == "overview" || p.name == "table" {
			c.take(t, base+p.path, filepath.Join(dir, p.name+"-dark.png"), "dark", 1240)
			c.take(t, base+p.path, filepath.Join(dir, p.name+"-phone.png"), "light", 390)
		}
	}
}

// newPictured starts a worker with two projects.
func newPictured(tb testing.TB) (*site, *proctest.Process) {
	tb.Helper()
	shop := mixpaneltest.Sample(newProject(projectID, "us", 0), 1, 2500)
	shop.Data = mixpaneltest.Generator{Seed: 1, EventsOn: busyDays(900)}
	app := newProject(otherProjectID, "us", 0)
	app.Data = mixpaneltest.Generator{Seed: 2, EventsOn: busyDays(300)}
	s := newSite(tb, embedded, mixpaneltest.Start(tb, mixpaneltest.Config{Projects: []mixpaneltest.Project{shop, app}, Limits: mixpaneltest.Limits{Off: true}}))
	s.set("MP_PROJECT_ID=", "MP_USERNAME=", "MP_SECRET=", "MIXDUCK_HTTP_LISTEN=127.0.0.1:0", "MIXDUCK_LOG_LEVEL=info")
	home := filepath.Dir(s.dir)
	for name, text := range map[string]string{"mixduck.yaml": pictured, "secret": password + "\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	p := proctest.Start(tb, s.env, "worker", append([]string{"run", "--config", filepath.Join(home, "mixduck.yaml")}, s.where()...)...)
	p.WaitFor(tb, "worker started")
	return s, p
}

// busyDays returns the events of each day: fewer on weekends, and none on one day.
func busyDays(most int) func(day.Day) int {
	return func(d day.Day) int {
		week := []int{100, 96, 92, 95, 83, 40, 34}
		if int(d)%61 == 7 {
			return 0
		}
		return most*week[int(d+3)%7]/100 - int(d)*37%(most/8)
	}
}

// fillForPictures fetches data, with some troubles, and returns the ID of a job that does not end.
func (s *site) fillForPictures(tb testing.TB) string {
	tb.Helper()
	must := func(args ...string) {
		tb.Helper()
		if r := s.enqueue(tb, args...); r.code != 0 {
			tb.Fatalf("%q: exit code %d: %s", args, r.code, r.stderr)
		}
	}
	today := day.Of(time.Now().UTC())
	bad := day.Range{From: today - 17, To: today - 16}
	s.inject(tb, mixpaneltest.Fault{Kind: mixpaneltest.Refused, Project: otherProjectID, Days: bad, Text: "Unable to authenticate request"})
	must("schedules", "add", "morning", "--project", "shop", "--cron", "15 6 * * *")
	must("schedules", "add", "people", "--project", "shop", "--stream", "profiles", "--cron", "0 6 * * *")
	must("schedules", "add", "app-hourly", "--project", "app", "--cron", "5 * * * *")
	must("schedules", "add", "old-report", "--project", "app", "--table", "signups", "--cron", "30 7 * * 1")
	must("schedules", "pause", "old-report")
	must("fetch", "events", "--project", "shop", "--from", "150d", "--wait")
	must("fetch", "profiles", "--project", "shop", "--wait")
	must("fetch", "cohorts", "--project", "shop", "--wait")
	app := []string{"fetch", "events", "--project", "app", "--wait"}
	must(append(app, "--from", (today - 140).String(), "--to", (bad.From - 1).String())...)
	s.enqueue(tb, append(app, "--from", bad.From.String(), "--to", bad.To.String())...) // fails
	must(append(app, "--from", (bad.To + 1).String())...)
	s.inject(tb, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Project: otherProjectID, Days: day.Range{From: today - 300, To: today - 200}})
	j := s.enqueue(tb, "fetch", "events", "signups", "--project", "app", "--from", (today - 340).String(), "--to", (today - 100).String(), "--format", "json").job(tb)
	eventually(tb, "the job is under way", func() bool { return strings.Contains(s.enqueue(tb, "jobs", "show", j.ID).stdout, "running") })
	must("fetch", "events", "--project", "app", "--from", "3d")
	return j.ID
}

// link returns a link that logs in.
func (s *site) link(tb testing.TB, address string) string {
	tb.Helper()
	r := s.enqueue(tb, "ui", "--no-open", "--url", "http://"+address)
	if r.code != 0 {
		tb.Fatal(r.stderr)
	}
	return strings.TrimSpace(r.stdout)
}

// camera is a browser.
type camera struct{ ctx context.Context }

func newCamera(tb testing.TB) *camera {
	tb.Helper()
	program, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := chromedp.NewExecAllocator(tb.Context(), chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless, chromedp.UserDataDir(tb.TempDir()))
	tb.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	tb.Cleanup(stop)
	return &camera{ctx}
}

// visit opens a page, and waits until it is complete.
func (c *camera) visit(tb testing.TB, url string) {
	tb.Helper()
	if err := chromedp.Do(c.ctx, chromedp.Navigate(url), chromedp.WaitVisible("nav")); err != nil {
		tb.Fatalf("%s: %v", url, err)
	}
	c.settle(tb)
}

// settle waits until the page does not change: live data has arrived, the editor is there, and no query runs.
func (c *camera) settle(tb testing.TB) {
	tb.Helper()
	const ready = `document.readyState === "complete" && !document.querySelector("progress[aria-label='the query runs']") &&
		(document.getElementById("live")?.innerText ?? "live") === "live" &&
		(!document.querySelector("textarea.sql") || document.querySelector(".editor") != null)`
	eventually(tb, "the page is complete", func() bool {
		ok, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool](ready))
		return ok && err == nil
	})
}

// ask runs a query by the form, and returns the path of its answer.
func (c *camera) ask(tb testing.TB, base, what string, values url.Values) string {
	tb.Helper()
	values.Set("database", "main/12345.db")
	c.visit(tb, base+"/ask?"+values.Encode())
	if _, err := chromedp.RunResponse(c.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("main form button.main").click()`)); err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
	c.settle(tb)
	path, err := chromedp.Run(c.ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// take writes a picture of a page.
func (c *camera) take(tb testing.TB, address, file, scheme string, width int64) {
	tb.Helper()
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := chromedp.Do(c.ctx, chromedp.EmulateViewport(width, 700)); err != nil {
		tb.Fatal(err)
	}
	c.visit(tb, address)
	shot, err := chromedp.Run(c.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tb.Fatal(err)
	}
	small := reduce(tb, shot)
	if len(small) > maxPicture {
		tb.Errorf("%s has %d bytes, want at most %d", file, len(small), maxPicture)
	}
	if err := os.WriteFile(file, small, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// reduce returns a PNG with the 256 most frequent colors.
func reduce(tb testing.TB, shot []byte) []byte {
	tb.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		tb.Fatal(err)
	}
	seen := map[color.NRGBA]int{}
	bounds := full.Bounds().Intersect(image.Rect(0, 0, 1240, maxHeight))
	at := func(x, y int) color.NRGBA {
		return color.NRGBAModel.Convert(full.At(x, y)).(color.NRGBA)
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			seen[at(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(seen), func(a, b color.NRGBA) int { return seen[b] - seen[a] })
	palette := color.Palette{}
	for _, c := range colors[:min(256, len(colors))] {
		palette = append(palette, c)
	}
	index := map[color.NRGBA]uint8{}
	for c := range seen {
		index[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
