package page_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/klauspost/compress/gzip"

	"mixduck/web/page"
)

// needBundles skips a test of what `make assets` makes, unless it was run. CI runs it.
func needBundles(tb testing.TB) {
	tb.Helper()
	switch {
	case page.Bundled():
	case os.Getenv("CI") != "":
		tb.Fatal("make assets was not run")
	default:
		tb.Skip("make assets was not run")
	}
}

// weigh returns how many bytes a browser receives for a path on its first visit, and how many files that hold up the first
// picture. It reads the files that the page names.
func (b *browser) weigh(tb testing.TB, path string) (weight, blocking int) {
	tb.Helper()
	html, weight := b.unzip(tb, path)
	blocking = 1
	for _, m := range regexp.MustCompile(`<(link|script)[^>]* (?:href|src)="([^"]+)"([^>]*)`).FindAllStringSubmatch(html, -1) {
		_, n := b.unzip(tb, m[2])
		weight += n
		if strings.Contains(m[0], `rel="stylesheet"`) || m[1] == "script" && !strings.Contains(m[0], "defer") && !strings.Contains(m[0], "module") {
			blocking++
		}
	}
	return weight, blocking
}

// unzip returns the body of an answer, which must be compressed, and its compressed size.
func (b *browser) unzip(tb testing.TB, path string) (text string, size int) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, b.site.server.URL+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "br, gzip;q=0.8")
	resp, err := b.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(resp.Header.Get("Vary"), "Accept-Encoding") {
		tb.Fatalf("%s: %s, %v", path, resp.Status, resp.Header)
	}
	counted := &counter{ReadCloser: resp.Body}
	unzip, err := gzip.NewReader(counted)
	if err != nil {
		tb.Fatal(err)
	}
	var out strings.Builder
	if _, err := unzip.WriteTo(&out); err != nil {
		tb.Fatal(err)
	}
	return out.String(), counted.n
}

func TestPagesAreSmall(t *testing.T) {
	t.Parallel()
	b := open(t, page.Config{}, false).fill(t)
	user := b.user(t)
	for _, path := range b.views() {
		if path == "/jobs/none" { // 404
			continue
		}
		limit := 25_000
		if strings.HasPrefix(path, "/ask") && page.Bundled() {
			limit = 180_000
		}
		weight, blocking := user.weigh(t, path)
		if weight > limit || blocking > 3 {
			t.Errorf("%s has %d bytes, want at most %d; %d requests before its first picture, want at most 3", path, weight, limit, blocking)
		}
		t.Logf("%s: %d bytes, %d requests before its first picture", path, weight, blocking)
	}
	if n := page.BundledBytes(); n > 1_000_000 {
		t.Errorf("bundles add %d bytes to a program, want at most 1,000,000", n)
	}
}

func TestWithoutGzip(t *testing.T) {
	t.Parallel()
	user := open(t, page.Config{}, false).user(t)
	for _, accept := range []string{"identity", "gzip;q=0", "br"} {
		for _, path := range []string{"/jobs", "/static/app.css"} {
			if status, body := user.do(t, http.MethodGet, path, http.NoBody, map[string]string{"Accept-Encoding": accept}); status != http.StatusOK || strings.HasPrefix(body, "\x1f\x8b") {
				t.Errorf("%s with %q: %d, %.20q", path, accept, status, body)
			}
		}
	}
}

// openAsk opens the form for queries with a statement.
func (c *chromium) openAsk(sql string) {
	c.Helper()
	c.login("/jobs")
	c.do("open", chromedp.Navigate(c.site.server.URL+"/ask?"+url.Values{"sql": {sql}, "database": {database}}.Encode()))
	c.is(`document.readyState === "complete"`)
}

// without makes static files answer 404.
func (s *site) without(names ...string) {
	next := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(names, path.Base(r.URL.Path)) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// counter counts the bytes that are read.
type counter struct {
	io.ReadCloser
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n += n
	return n, err
}

func TestEditorRunsQueries(t *testing.T) {
	t.Parallel()
	needBundles(t)
	s := open(t, page.Config{}, false)
	s.work(t)
	c := s.browse(t)
	c.openAsk("SELECT 40 + 2 AS answer")
	c.editor("/ask")
	const editor = `document.querySelector(".editor").shadowRoot`
	if got := eval[string](c, editor+`.querySelector(".cm-content").textContent`); got != "SELECT 40 + 2 AS answer" {
		t.Errorf("the editor has %q", got)
	}
	if got := eval[string](c, `document.getElementById("sql").hidden + " " + `+editor+`.querySelector(".cm-content").ariaLabel`); !strings.HasPrefix(got, "true SQL") {
		t.Errorf("the text area is hidden, and the editor's label: %s", got)
	}
	if styled := eval[bool](c, `getComputedStyle(`+editor+`.querySelector(".cm-scroller")).display === "flex"`); !styled {
		t.Error("the style of the editor was refused")
	}
	c.do("type", chromedp.Evaluate[chromedp.Void](editor+`.querySelector(".cm-content").focus()`), chromedp.KeyEvent("-- x\n"))
	c.is(`document.getElementById("sql").value.includes("-- x\n")`)
	if got := eval[[]string](c, "broken"); len(got) > 0 {
		t.Errorf("the policy is broken: %q", got)
	}
	if _, err := chromedp.RunResponse(c.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#askform button.main").click()`)); err != nil {
		t.Fatal(err)
	}
	c.shows("answer")
	c.is(`document.querySelector("table.result td")?.innerText === "42"`)
}

// The editor completes keywords, and the names of tables and columns that the queue knows.
func TestEditorCompletes(t *testing.T) {
	t.Parallel()
	needBundles(t)
	s := open(t, page.Config{}, false)
	days := storedDays(lastStored, 9)
	table := shopTable(days)
	table.Database, table.Table = database, "signups"
	s.reported(t, table, days)
	c := s.browse(t)
	c.login("/jobs")
	const editor = `document.querySelector(".editor").shadowRoot`
	const options = `[...` + editor + `.querySelectorAll(".cm-tooltip-autocomplete li")]`
	for typed, want := range map[string]string{"FROM sig": "signups", "FROM signups WHERE signups.dist": "distinct_id", "SELECT * EXCL": "EXCLUDE"} {
		c.open("/ask?database=" + database)
		c.editor("/ask")
		c.is(`performance.getEntriesByType("resource").some(e => e.name.includes("/ask/completions") && e.responseEnd > 0)`)
		c.do("type", chromedp.Evaluate[chromedp.Void](editor+`.querySelector(".cm-content").focus()`), chromedp.KeyEvent(typed))
		chosen := fmt.Sprintf(options+`.find(li => li.innerText.startsWith(%q))`, want)
		c.is(chosen + ` !== undefined`)
		c.do("choose", chromedp.Evaluate[chromedp.Void](chosen+`.dispatchEvent(new MouseEvent("mousedown", {bubbles: true})), undefined`))
		c.is(fmt.Sprintf(`document.getElementById("sql").value.endsWith(%q)`, want))
	}
	if got := eval[[]string](c, "broken"); len(got) > 0 {
		t.Errorf("the policy is broken: %q", got)
	}
}

// Many points are drawn by a script, in place of the server's picture; few are not.
func TestManyPointsCanBeExplored(t *testing.T) {
	t.Parallel()
	needBundles(t)
	s := open(t, page.Config{}, false)
	s.work(t)
	c := s.browse(t)
	for n, want := range map[int]bool{50: false, 3000: true} {
		c.openAsk(fmt.Sprintf("SELECT DATE '2020-01-01' + range::INT AS day, range %% 7 AS n FROM range(%d)", n))
		c.editor("/ask")
		if _, err := chromedp.RunResponse(c.ctx, chromedp.Click("#askform button.main")); err != nil {
			t.Fatal(err)
		}
		c.is(`document.querySelector("table.result") !== null`)
		c.is(fmt.Sprintf(`(document.querySelector("[data-plot] > div")?.shadowRoot.querySelector("canvas") != null) === %t && (document.querySelector("svg.plot") === null) === %t`, want, want))
		if broken := eval[[]string](c, "broken"); len(broken) > 0 {
			t.Errorf("%d points break the policy: %q", n, broken)
		}
	}
}

// The form stays usable if the editor cannot be loaded.
func TestAskWithoutTheEditor(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	s.without("editor.js", "plot.js")
	c := s.browse(t)
	c.openAsk("SELECT 40 + 2 AS answer")
	if got := eval[string](c, `document.getElementById("sql").value`); got != "SELECT 40 + 2 AS answer" {
		t.Errorf("the text area has %q", got)
	}
	c.is(`document.querySelector(".editor") === null && document.getElementById("sql").offsetHeight > 50`)
	if _, err := chromedp.RunResponse(c.ctx, chromedp.Click("#askform button.main")); err != nil {
		t.Fatal(err)
	}
	c.is(`document.querySelector("table.result td")?.innerText === "42"`)
}
