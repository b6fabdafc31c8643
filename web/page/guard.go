package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"mixduck/internal/fault"
)

// contentPolicy lets a browser load nothing but the page's own files, run no inline script, and show the page in no frame.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// policed sets the headers that restrict what a browser does with a page.
func (p *Page) policed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		zipped := zipWriter{ResponseWriter: w, wanted: takesGzip(r)}
		next.ServeHTTP(&zipped, r)
		zipped.close()
	})
}

// guarded calls next for requests with a session or the token. It sends browsers to the login page.
func (p *Page) guarded(next http.Handler) http.Handler {
	return p.policed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ok, err := p.authenticated(r)
		switch {
		case err != nil:
			p.fail(w, r, err)
		case ok:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && wantsHTML(r):
			http.Redirect(w, r, p.cfg.Base+"/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="mixduck"`)
			p.problem(w, r, http.StatusUnauthorized, "not logged in", "run 'enqueue ui' and open its link")
		}
	}))
}

// authenticated reports whether a request has a valid session, or the token.
func (p *Page) authenticated(r *http.Request) (bool, error) {
	if scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return p.isToken(shown), nil
	}
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return false, nil //nolint:nilerr // no cookie, no session
	}
	b, err := p.connected()
	if err != nil {
		return false, err
	}
	now := p.cfg.Now()
	valid, err := b.Sessions.Valid(r.Context(), cookie.Value)
	if err == nil {
		p.seen.saw(cookie.Value, valid, now)
	} else if r.Method == http.MethodGet && p.seen.lately(cookie.Value, now) {
		return true, nil // to see what the page has shown before; changes need Redis
	}
	return valid, err
}

// isToken reports whether text is the token of the settings.
func (p *Page) isToken(text string) bool { return !p.cfg.Token.IsZero() && p.cfg.Token.Equal(text) }

// errStarting means that there is no queue yet.
var errStarting = errors.New("the worker is starting and has not reached its queue yet")

// connected returns the backend, or errStarting.
func (p *Page) connected() (*Backend, error) {
	if b := p.backend.Load(); b != nil {
		return b, nil
	}
	return nil, errStarting
}

// wantsHTML reports whether a request is from a browser, and not for JSON or a stream.
func wantsHTML(r *http.Request) bool {
	return r.URL.Query().Get("format") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// httpStatus returns the HTTP status for an error.
func httpStatus(err error) int {
	switch {
	case errors.Is(err, errStarting):
		return http.StatusServiceUnavailable
	case fault.CodeOf(err) == fault.CodeNotFound:
		return http.StatusNotFound
	case fault.CodeOf(err) == fault.CodeUsage:
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
