package page

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mixduck/web/session"
)

const (
	loginEvery = 6 * time.Second // one more failed login is allowed
	loginBurst = 10
	maxForm    = 64 << 10
)

// loginForm is what the login page shows.
type loginForm struct {
	Next    string // where to go afterwards
	Token   bool   // the token logs in, too
	Problem string
}

func (p *Page) showLogin(w http.ResponseWriter, r *http.Request) {
	p.writeLogin(w, r, http.StatusOK, "")
}

func (p *Page) writeLogin(w http.ResponseWriter, r *http.Request, code int, problem string) {
	body, err := p.execute("login", loginForm{Next: p.next(r), Token: !p.cfg.Token.IsZero(), Problem: problem})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.writeFrame(w, code, frame{Title: "Log in", Body: htmlOf(body)})
}

// login takes a code of `enqueue ui`, or the token, and begins a session.
func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	secret := strings.TrimSpace(r.FormValue("secret"))
	b, err := p.connected()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	allowed := p.logins.Tokens() >= 1
	ok := allowed && p.isToken(secret)
	if !ok { // nobody can guess a code, so it works however many logins have failed
		if ok, err = b.Sessions.Redeem(r.Context(), secret); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	if !ok && !allowed {
		w.Header().Set("Retry-After", "6")
		p.writeLogin(w, r, http.StatusTooManyRequests, "Too many failed logins. Try again in a few seconds.")
		return
	}
	if !ok {
		p.logins.Allow()
		p.log.Warn("login failed", slog.String("from", r.RemoteAddr))
		p.writeLogin(w, r, http.StatusUnauthorized, "The code is wrong, was used before, or has expired. Run 'enqueue ui' again.")
		return
	}
	token, err := b.Sessions.Start(r.Context())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.SetCookie(w, p.cookie(r, token, session.Lasts))
	http.Redirect(w, r, p.next(r), http.StatusSeeOther) //nolint:gosec // next returns only paths of ours
}

// logout ends the session, or all sessions.
func (p *Page) logout(w http.ResponseWriter, r *http.Request, b *Backend) error {
	var err error
	if r.FormValue("all") != "" {
		p.seen.forget()
		err = b.Sessions.EndAll(r.Context())
	} else if cookie, none := r.Cookie(cookieName(r)); none == nil {
		p.seen.saw(cookie.Value, false, p.cfg.Now())
		err = b.Sessions.End(r.Context(), cookie.Value)
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, p.cookie(r, "", -time.Second))
	http.Redirect(w, r, p.cfg.Base+"/login", http.StatusSeeOther)
	return nil
}

// cookie returns the cookie of a session.
func (p *Page) cookie(r *http.Request, value string, lasts time.Duration) *http.Cookie {
	secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	return &http.Cookie{ //nolint:gosec // Secure would keep browsers from sending it to a loopback address over HTTP
		Name: cookieName(r), Value: value, Path: p.cfg.Base + "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode,
	}
}

// cookieName contains the port of the request: browsers send the cookies of a host to all its ports, so several workers on
// one host would otherwise log each other out.
func cookieName(r *http.Request) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "mixduck_" + port
	}
	return "mixduck"
}

// next returns the page to show after a login, which is always a page of this worker.
func (p *Page) next(r *http.Request) string {
	home := p.cfg.Base + "/"
	next := r.FormValue("next")
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, home) || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "//") {
		return home
	}
	return next
}
