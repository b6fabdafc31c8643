package page_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"mixduck/jobs"
	"mixduck/web/page"
)

// asks opens Ask and fills in a statement.
func (c *chromium) asks(sql string) {
	c.Helper()
	c.do("open Ask", chromedp.Navigate(c.site.server.URL+"/ask?database="+database), chromedp.WaitReady("#sql"))
	c.editor("/ask")
	c.do("fill in the statement", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("sql").value = %q, undefined`, sql)))
}

// press clicks an element that leads to another page.
func (c *chromium) press(selector string) {
	c.Helper()
	if _, err := chromedp.RunResponse(c.ctx, chromedp.Click(selector)); err != nil {
		c.Fatalf("click %s: %v", selector, err)
	}
}

// asked returns the ID of the query whose page is open.
func (c *chromium) asked() string {
	c.Helper()
	return strings.TrimPrefix(eval[string](c, "location.pathname"), "/ask/")
}

func TestBrowserAsks(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	c := s.browse(t)
	c.login("/ask")
	c.asks("SELECT 'forty-two' AS answer")
	if page.Bundled() {
		c.press("button.main")
	} else { // with the keyboard only
		c.do("focus", chromedp.Focus("#sql"))
		c.do("press Ctrl+Enter", chromedp.Evaluate[chromedp.Void](`document.getElementById("sql").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, cancelable: true})), undefined`))
	}
	c.is(`location.pathname.startsWith("/ask/")`)
	c.shows("forty-two")

	c.asks("SELECT 1,\n  nix")
	c.press("button.main")
	c.shows("Line 2, column 3")
	if got := eval[string](c, `document.querySelector("mark").innerText`); got != "nix" {
		t.Errorf("%q is marked", got)
	}
	if got := eval[string](c, `[document.activeElement.id, sql.selectionStart, sql.selectionEnd].join(" ")`); got != "sql 12 15" && !page.Bundled() {
		t.Errorf("the cursor is at %s", got)
	}

	c.asks("SELECT i FROM range(100000) t(i)")
	c.press("button.main")
	c.shows("Rows 1–100 of 100,000")
	c.press(`a[rel="next"]`)
	c.shows("Rows 101–200 of 100,000")
	c.do("go back", chromedp.NavigateBack())
	c.shows("Rows 1–100 of 100,000")

	c.asks(endless)
	c.press("button.main")
	c.shows("The query ends if you close this page.")
	id := c.asked()
	s.becomes(t, id, jobs.StateRunning)
	eval[any](c, `document.querySelector("#answer button.danger").click()`) // the button is replaced while the query runs
	c.is(`location.pathname === "/ask/` + id + `"`)
	c.shows("was cancelled")
	s.becomes(t, id, jobs.StateCancelled)
}

func TestClosedTabsEndTheirQuery(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	c := s.browse(t)
	c.login("/ask")
	c.asks(endless)
	c.press("button.main")
	id := c.asked()
	s.becomes(t, id, jobs.StateRunning)
	// The page keeps the query alive for longer than a visit does.
	c.is(fmt.Sprintf(`performance.now() > %d`, (8 * time.Second).Milliseconds()))
	if job, err := s.queue.Job(t.Context(), id); err != nil || job.State != jobs.StateRunning {
		t.Errorf("the query of the open page is %s, %v", job.State, err)
	}
	c.do("leave the page", chromedp.Navigate("about:blank"))
	s.becomes(t, id, jobs.StateCancelled)
}

// All of Ask works without JavaScript: the browser reloads the page of a running query.
func TestAskWithoutScripts(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	c := s.browse(t)
	c.login("/ask")
	if _, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	c.do("open Ask", chromedp.Navigate(s.server.URL+"/ask?database="+database+"&sql=SELECT+40%2B2+AS+n,+count(*)+FROM+range(30000000000)"), chromedp.WaitReady("#sql"))
	c.press("button.main")
	c.shows("The query ends if you close this page.")
	id := c.asked()
	s.becomes(t, id, jobs.StateRunning)
	eval[any](c, `document.querySelector("#answer button.danger").click()`)
	c.shows("was cancelled")
	c.do("open Ask", chromedp.Navigate(s.server.URL+"/ask?database="+database+"&sql=SELECT+40%2B2+AS+n"), chromedp.WaitReady("#sql"))
	c.press("button.main")
	c.shows("42")
}

// Answers are as accessible as the other views.
func TestAnswersAreAccessible(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	script := axe(t)
	user := s.user(t)
	c := s.browse(t)
	c.login("/ask")
	for name, sql := range map[string]string{
		"lines":  "SELECT DATE '2026-01-01' + i::INT AS day, 'series ' || i % 5 AS name, i AS n FROM range(120) t(i)",
		"funnel": "SELECT NULL AS value, 1 AS step, 'a' AS event, 9 AS users UNION ALL SELECT NULL, 2, 'b', 3 ORDER BY 2",
		"heat":   `SELECT DATE '2026-01-01' AS cohort, 5 AS users, i AS interval_number, 100 - 20 * i AS percent FROM range(5) t(i)`,
		"wide":   "SELECT repeat('wide ', 100) AS a, repeat('x', 400) AS b, 3 AS c, NULL AS d, '' AS e", "error": "SELECT nix",
	} {
		a := user.run(t, sql)
		for _, l := range looks {
			c.looksLike(l)
			c.do("open the answer", chromedp.Navigate(s.server.URL+"/ask/"+a.ID), chromedp.WaitReady("#answer"))
			c.editor("/ask")
			if wide := eval[int](c, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s, %s: %d pixels too wide", name, l.name, wide)
			}
			c.do("load axe", chromedp.Evaluate[chromedp.Void](script+";undefined"))
			found, err := chromedp.Run(c.ctx, chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			for _, violation := range found {
				t.Errorf("%s, %s: %s", name, l.name, violation)
			}
		}
	}
}
