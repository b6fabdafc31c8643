package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"mixduck/jobs"
	"mixduck/web/page"
)

// media makes the browser prefer something, for example forced colors.
func (c *chromium) media(features ...string) {
	c.Helper()
	var all []*emulation.MediaFeature
	for i := 0; i+1 < len(features); i += 2 {
		all = append(all, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	if _, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all}); err != nil {
		c.Fatal(err)
	}
}

// open opens a page and waits until it is complete.
func (c *chromium) open(path string) {
	c.Helper()
	c.do("open "+path, chromedp.Navigate(c.site.server.URL+path))
	c.is(`document.readyState === "complete" && document.querySelector("main") !== null`)
}

// tab opens another tab of the same browser.
func (c *chromium) tab() *chromium {
	c.Helper()
	ctx, stop := chromedp.NewContext(c.ctx)
	c.Cleanup(stop)
	other := &chromium{c.TB, ctx, c.site}
	other.do("start", chromedp.Navigate("about:blank"))
	return other
}

// Readers have different zones, colors and input devices.
func TestReadersDiffer(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	b := s.fill(t)
	c := s.browse(t)
	c.login("/")
	c.readsInNewYork(b)
	c.seesForcedColors()
	c.usesTheKeyboard(b)
	c.hasTwoTabs(b)
}

const (
	shopEvents = "/table?database=eu%2Fshop.db&table=events"
	appEvents  = "/table?database=eu%2Fapp.db&table=events"
)

// readsInNewYork checks that days are those of the project, in any zone of the reader.
func (c *chromium) readsInNewYork(b *busy) {
	c.Helper()
	var cells []string
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
		if _, err := chromedp.Call(c.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}); err != nil {
			c.Fatal(err)
		}
		c.open(shopEvents)
		got := eval[string](c, `[...document.querySelectorAll("a.c")].map(a => a.id + a.ariaLabel).join("\n")`)
		if cells = append(cells, got); got != cells[0] || !strings.Contains(got, "d2026-11-27") {
			c.Errorf("in %s, the days are\n%s\nwant\n%s", zone, got, cells[0])
		}
		c.open("/jobs/" + b.done)
		const told = `(t => t.title === new Date(t.dateTime).toLocaleString() + " (your time)" && t.innerText.endsWith(t.dateTime.slice(11, 16)))(document.querySelector("dl time"))`
		if !eval[bool](c, told) {
			c.Errorf("in %s, a time is shown as %s", zone, eval[string](c, `document.querySelector("dl time").outerHTML`))
		}
		if !eval[bool](c, `document.querySelector(".who").innerText.includes("UTC")`) {
			c.Errorf("in %s, the page does not say the zone of its times", zone)
		}
	}
}

// seesForcedColors checks that the states of days differ although the browser replaces all colors, and that nothing moves for
// readers who do not want that.
func (c *chromium) seesForcedColors() {
	c.Helper()
	c.media("forced-colors", "active", "prefers-reduced-motion", "reduce")
	c.open(shopEvents)
	if !eval[bool](c, `matchMedia("(forced-colors: active)").matches`) {
		c.Fatal("the browser does not force colors")
	}
	const looks = `(() => {
		const cells = Object.fromEntries(["c4", "cz", "cp", "cm", "cg"].map(k => [k, document.querySelector("table.cal a." + k)]));
		return Object.values(cells).map(a => { const s = getComputedStyle(a); return [s.backgroundColor, s.backgroundImage, s.boxShadow, a.innerText].join(" ") });
	})()`
	seen := map[string]bool{}
	for _, look := range eval[[]string](c, looks) {
		if seen[look] {
			c.Errorf("with forced colors, two states of days look like %s", look)
		}
		seen[look] = true
	}
	if n := eval[int](c, `document.getAnimations().length`); n > 0 {
		c.Errorf("%d parts of the page move", n)
	}
	c.media()
}

// usesTheKeyboard checks that all can be reached and done without a mouse.
func (c *chromium) usesTheKeyboard(b *busy) {
	c.Helper()
	focus := func() string {
		return eval[string](c, `(a => a.id || a.dataset.key || a.getAttribute("href") || a.tagName)(document.activeElement)`)
	}
	press := func(keys ...string) string {
		for _, key := range keys {
			c.do("press a key", chromedp.KeyEvent(key))
		}
		return focus()
	}
	const tab, enter, left, right, up, down = kb.Tab, kb.Enter, kb.ArrowLeft, kb.ArrowRight, kb.ArrowUp, kb.ArrowDown
	c.open(shopEvents)
	if got := press(tab); got != "#main" {
		c.Errorf("the first stop is %s, want the link to the content", got)
	}
	press(enter)
	for range 20 { // to the calendar, which is one stop
		if strings.HasPrefix(press(tab), "d2026") {
			break
		}
	}
	if got := focus(); got != "d2026-11-01" {
		c.Errorf("the calendar begins with %s", got)
	}
	for _, step := range []struct{ key, want string }{
		{right, "d2026-11-02"}, {down, "d2026-10-02"}, {left, "d2026-10-01"}, {left, "d2026-09-30"}, {up, "d2026-10-30"}, {up, "d2026-10-30"},
	} {
		if got := press(step.key); got != step.want {
			c.Errorf("after %q the focus is on %s, want %s", step.key, got, step.want)
		}
	}
	if _, err := chromedp.RunResponse(c.ctx, chromedp.KeyEvent(enter)); err != nil {
		c.Fatal(err)
	}
	c.shows("2026-10-30: complete")
	if got := press(tab); strings.HasPrefix(got, "d2026") {
		c.Errorf("the calendar has another stop, %s", got)
	}
	c.open("/jobs/" + b.waiting)
	for range 40 {
		if eval[bool](c, `document.activeElement.matches("button.danger")`) {
			break
		}
		press(tab)
	}
	if _, err := chromedp.RunResponse(c.ctx, chromedp.KeyEvent(enter)); err != nil {
		c.Fatal(err)
	}
	c.shows("cancelled")
}

// hasTwoTabs checks that each tab follows what another one does, and that a log-out ends both.
func (c *chromium) hasTwoTabs(b *busy) {
	c.Helper()
	other := c.tab()
	other.open("/jobs/" + b.running)
	other.isLive()
	c.open("/jobs/" + b.running)
	c.press("button.danger")
	other.shows("cancelled")
	b.becomes(c, b.running, jobs.StateCancelled)
	other.open("/jobs")
	other.isLive()
	c.open("/settings")
	c.press(`form[action="/logout"] button`)
	c.is(`location.pathname === "/login"`)
	other.is(`location.pathname === "/login"`)
}

// A page that is open goes on when its worker restarts, also while the new worker has not reached its queue yet.
func TestOpenPagesSurviveARestart(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	c := s.browse(t)
	c.login("/schedules")
	c.isLive()
	c.focus("run-morning")

	next, routes := page.New(page.Config{Mode: page.Full}, discard), http.NewServeMux()
	next.Routes(routes.Handle)
	s.server.Config.Handler = routes
	refused := make(chan bool)
	var once sync.Once
	routes.HandleFunc("GET /refused", http.NotFound)
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r)
		if strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream") {
			once.Do(func() { close(refused) })
		}
	})
	old := s.page
	old.Close() // ends its streams
	t.Cleanup(next.Close)
	<-refused
	c.is(`document.getElementById("live").innerText === "reconnecting"`)
	s.pause(t, "morning")
	s.page = next
	next.Connect(page.Backend{Queue: s.queue, Schedules: s.schedules, Sessions: s.sessions})
	c.isLive()
	c.shows("paused")
	c.hasFocus("run-morning")
}

// Fetching a day with a button moves the progress and changes the calendar, without a reload.
func TestBrowserFetchesADay(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.fill(t)
	c := s.browse(t)
	c.login("/")
	c.open(appEvents + "&day=2026-11-19")
	watching := c.tab()
	watching.open(appEvents)
	watching.is(`document.getElementById("live").innerText === "live" && document.getElementById("d2026-11-19").matches(".cm")`)
	loaded := eval[float64](watching, "performance.timeOrigin")
	c.press("[data-key=fetch-day]")
	id := strings.TrimPrefix(eval[string](c, "location.pathname"), "/jobs/")
	c.shows("done")
	if job, err := s.queue.Job(t.Context(), id); err != nil || job.Fetch.Days.String() != "2026-11-19" {
		t.Fatalf("the button has submitted %+v, %v", job.Fetch, err)
	}
	watching.is(`document.getElementById("d2026-11-19").matches(".c1.cl") && document.getElementById("d2026-11-19").ariaLabel.includes("3 rows, changed later")`)
	if again := eval[float64](watching, "performance.timeOrigin"); again != loaded {
		t.Error("the page was loaded again")
	}
}

// Forms of all views work without JavaScript.
func TestBrowserWithoutScripts(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	b := s.fill(t)
	c := s.browse(t)
	c.login("/")
	if _, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ path, press, want string }{
		{"/jobs/" + b.waiting, "button.danger", "cancelled"},
		{"/jobs/" + b.waiting, "main form button", "waiting"},
		{"/schedules", "[data-key=pause-morning]", "paused"},
		{"/schedules", "[data-key=resume-morning]", "morning"},
		{shopEvents, "#d2026-11-19", "2026-11-19: missing"},
		{shopEvents + "&day=2026-11-19", "[data-key=fetch-day]", "2026-11-19"},
		{"/jobs", `a[href="/jobs?state=failed"]`, "broken"},
		{"/settings", `form[action="/logout"] button`, "Log in"},
	} {
		c.do("open "+step.path, chromedp.Navigate(s.server.URL+step.path), chromedp.WaitReady("main"))
		c.press(step.press)
		c.shows(step.want)
	}
}

// The code of a login link is in no request but the one that uses it, in no Referer, and in no log.
func TestLoginLeavesNoTraces(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	s := openLogged(t, page.Config{}, log)
	var mu sync.Mutex
	var seen []string
	next := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if seen = append(seen, r.URL.String()); strings.Contains(r.UserAgent(), "Chrome") {
			seen = append(seen, r.Header.Get("Referer"))
		}
		mu.Unlock()
		next.ServeHTTP(w, r)
	})
	code := s.code(t)
	c := s.browse(t)
	c.do("open the link", chromedp.Navigate(s.server.URL+"/login?next=/jobs#"+code), chromedp.WaitVisible("nav"))
	c.do("go on", chromedp.Click(`nav a[href="/settings"]`))
	c.is(`location.pathname === "/settings"`)
	s.visitor(t).login(t, code) // again
	s.visitor(t).get(t, "/jobs?"+url.Values{"state": {"nonsense"}}.Encode())
	user := s.user(t)
	home, err := url.Parse(s.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cookie := user.Jar.Cookies(home)[0].Value
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(seen, "\n") + log.String()
	for what, secret := range map[string]string{"the code": code, "a cookie": cookie, "an address, as Referer,": "http"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in\n%s", what, all)
		}
	}
	if len(seen) < 8 || !strings.Contains(all, "/jobs") {
		t.Errorf("the browser requested only\n%s", all)
	}
}
