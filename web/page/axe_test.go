package page_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"mixduck/internal/npm"
	"mixduck/web/page"
)

// axe returns the script that checks pages for accessibility. It skips the test if npm's registry cannot be reached, but not
// in CI.
func axe(tb testing.TB) string {
	tb.Helper()
	lock, err := os.ReadFile(filepath.Join("bundle", "package-lock.json"))
	if err != nil {
		tb.Fatal(err)
	}
	all, err := npm.ReadLock(lock)
	if err != nil {
		tb.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p npm.Package) bool { return p.Name == "axe-core" })
	files, err := npm.FromEnvironment().Files(tb.Context(), all[i])
	switch {
	case errors.Is(err, npm.ErrUnreachable) && os.Getenv("CI") == "":
		tb.Skipf("no view was checked for accessibility: %v", err)
	case err != nil:
		tb.Fatal(err)
	}
	return string(files["axe.min.js"])
}

// look is how a reader looks at a page.
type look struct {
	name, scheme string
	width        int64
}

var looks = []look{{"light", "light", 1240}, {"dark", "dark", 1240}, {"phone", "light", 390}}

// looksLike shows pages as a reader with this look sees them.
func (c *chromium) looksLike(l look) {
	c.Helper()
	options := []chromedp.EmulateViewportOption{}
	if l.width < 500 {
		options = append(options, chromedp.EmulateMobile)
	}
	c.do("look", chromedp.EmulateViewport(l.width, 900, options...))
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}})
	if err != nil {
		c.Fatal(err)
	}
}

const violations = `axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	v.id + " (" + v.impact + ") ×" + v.nodes.length + ": " + v.nodes.slice(0, 2).map(n => n.html.slice(0, 120) + " | " + (n.any[0]?.message || n.all[0]?.message || n.none[0]?.message || "").slice(0, 160)).join(" ; ")))`

// Every view passes all rules of axe, in light and dark and on a phone.
func TestViewsAreAccessible(t *testing.T) {
	t.Parallel()
	script := axe(t)
	s := open(t, page.Config{}, false)
	b := s.fill(t)
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			c := s.browse(t)
			c.login("/jobs")
			c.looksLike(l)
			for _, path := range b.views() {
				c.do("open "+path, chromedp.Navigate(s.server.URL+path), chromedp.Evaluate[chromedp.Void](script+";undefined"))
				c.editor(path)
				found, err := chromedp.Run(c.ctx, chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				for _, violation := range found {
					t.Errorf("%s: %s", path, violation)
				}
			}
		})
	}
}

// A page that breaks a rule is found.
func TestAxeFindsViolations(t *testing.T) {
	t.Parallel()
	script := axe(t)
	s := open(t, page.Config{}, false)
	c := s.browse(t)
	c.login("/jobs")
	c.do("break", chromedp.Evaluate[chromedp.Void](`document.querySelector("main").append(document.createElement("img"), document.createElement("input")), undefined`), chromedp.Evaluate[chromedp.Void](script+";undefined"))
	found, err := chromedp.Run(c.ctx, chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise))
	if err != nil || !slices.ContainsFunc(found, func(v string) bool { return strings.HasPrefix(v, "image-alt") }) {
		t.Errorf("axe finds %q, %v", found, err)
	}
}
