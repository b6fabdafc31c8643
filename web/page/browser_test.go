package page_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"mixduck/web/page"
)

// chromium is a tab of a real browser.
type chromium struct {
	testing.TB

	ctx  context.Context
	site *site
}

// browse opens a tab. It skips the test if there is no browser, but not in CI.
func (s *site) browse(tb testing.TB, options ...chromedp.ExecAllocatorOption) *chromium {
	tb.Helper()
	program := findBrowser()
	switch {
	case program == "" && os.Getenv("CI") != "":
		tb.Fatal("no Chromium is installed")
	case program == "":
		tb.Skip("no Chromium is installed")
	}
	options = append([]chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless, chromedp.UserDataDir(tb.TempDir())}, options...)
	ctx, stop := chromedp.NewExecAllocator(tb.Context(), options...)
	tb.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	tb.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, time.Minute) // the browser can fail to answer
	tb.Cleanup(stop)
	c := &chromium{tb, ctx, s}
	c.do("start", chromedp.Navigate("about:blank"))
	_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: countBroken})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// countBroken collects in a page what breaks the content security policy.
const countBroken = `window.broken = []; document.addEventListener("securitypolicyviolation", e => broken.push(e.effectiveDirective + " " + e.blockedURI))`

// findBrowser returns the path of a Chromium; "" if there is none.
func findBrowser() string {
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// do runs steps.
func (c *chromium) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	c.Helper()
	if err := chromedp.Do(c.ctx, steps...); err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// login opens the link of `enqueue ui` for a page.
func (c *chromium) login(path string) {
	c.Helper()
	c.do("log in", chromedp.Navigate(c.site.server.URL+"/login?next="+path+"#"+c.site.code(c)), chromedp.WaitVisible("nav"))
}

// is waits until a JavaScript expression is true.
func (c *chromium) is(expression string) {
	c.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for {
		ok, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool](expression)) // fails while the page changes
		if ok && err == nil {
			return
		}
		select {
		case <-c.ctx.Done():
			c.Fatalf("%s is not true: %v", expression, err)
		case <-ticks.C:
		}
	}
}

// isLive waits until the page follows the queue.
func (c *chromium) isLive() {
	c.Helper()
	c.is(`document.getElementById("live").innerText === "live"`)
}

// focus puts the focus on the element with a key.
func (c *chromium) focus(key string) {
	c.Helper()
	c.do("focus", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector("[data-key=%s]").focus()`, key)))
}

// hasFocus checks that the focus is there.
func (c *chromium) hasFocus(key string) {
	c.Helper()
	if got := eval[string](c, "document.activeElement.dataset.key || document.activeElement.tagName"); got != key {
		c.Errorf("the focus is on %s, want %s", got, key)
	}
}

// shows waits until the page contains a text.
func (c *chromium) shows(text string) {
	c.Helper()
	c.is(fmt.Sprintf("document.querySelector('main').innerText.includes(%q)", text))
}

// eval returns the value of a JavaScript expression.
func eval[T any](c *chromium, expression string) T {
	c.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		c.Fatalf("%s: %v", expression, err)
	}
	return v
}

func TestLoginLinkWorksOnce(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	c := s.browse(t)
	link := s.server.URL + "/login?next=/jobs#" + s.code(t)
	c.do("open the link", chromedp.Navigate(link), chromedp.WaitVisible("nav"))
	if got := eval[string](c, "location.pathname + location.hash"); got != "/jobs" {
		t.Errorf("the link leads to %s, want /jobs", got)
	}
	other := s.browse(t)
	other.do("open the link again", chromedp.Navigate(link), chromedp.WaitVisible("form .tag.bad"))
	other.shows("was used before")
}

func TestPageFollowsAJob(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	c := s.browse(t)
	c.login("/jobs")
	c.shows("No job matches.")
	c.isLive()
	job := s.submit(t, "events")
	c.shows("queued")
	c.do("open the job", chromedp.Click(`a[href="/jobs/`+job.ID+`"]`), chromedp.WaitVisible("button.danger"))
	c.press("button.danger")
	c.shows("cancelled")
	c.is(`location.pathname === "/jobs/` + job.ID + `"`)
}

// A part that is replaced keeps the focus of the reader.
func TestFocusStays(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	c := s.browse(t)
	c.login("/schedules")
	c.focus("run-morning")
	s.pause(t, "morning")
	c.shows("paused")
	c.hasFocus("run-morning")
}

// No view breaks the content security policy, or scrolls sideways on a phone.
func TestViewsFitAndKeepThePolicy(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	b := s.fill(t)
	c := s.browse(t)
	c.login("/")
	for _, width := range []int64{390, 620, 1240} {
		for _, path := range b.views() {
			c.do("open "+path, chromedp.EmulateViewport(width, 900), chromedp.Navigate(s.server.URL+path))
			c.is(`document.readyState === "complete" && document.querySelector("main") !== null`)
			c.editor(path)
			if wide := eval[int](c, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels too wide for %d", path, wide, width)
			}
			if broken := eval[[]string](c, "broken"); len(broken) > 0 {
				t.Errorf("%s breaks the policy: %q", path, broken)
			}
			if n := eval[int](c, `document.querySelectorAll("[style], script:not([src]), style").length`); n > 0 {
				t.Errorf("%s has %d inline styles or scripts", path, n)
			}
			if title := eval[string](c, "document.title + document.documentElement.lang"); len(title) < len("x · Mixducken") {
				t.Errorf("%s has the title %q", path, title)
			}
		}
	}
	c.do("break the policy", chromedp.Evaluate[chromedp.Void](`document.body.append(Object.assign(document.createElement("script"), {text: "1"})), undefined`))
	c.is("broken.length > 0")
}

// editor waits for the editor, if the view of a path has one.
func (c *chromium) editor(path string) {
	c.Helper()
	if strings.HasPrefix(path, "/ask") && page.Bundled() {
		c.is(`document.querySelector(".editor")?.shadowRoot.querySelector(".cm-content") != null`)
	}
}
