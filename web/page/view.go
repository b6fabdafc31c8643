package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"mixduck/internal/fault"
)

// view is one page: how to find what it shows, and its template. The template is named after the view; templates named
// view/part are the parts that are replaced while the page is open. Each part is one element with the part's name as its id.
type view struct {
	name  string // of the template
	title string
	tab   string // the entry of the navigation
	build func(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error)
	parts []string

	done   func(data any) bool                              // reports whether the parts will not change any more; nil: they may
	during func(ctx context.Context, b *Backend, id string) // runs while a client listens to changes; nil for nothing
}

// frame is the content of the layout around a view.
type frame struct {
	Title   string
	Tab     string
	Base    string
	Version string
	Live    bool // the view has parts that may change
	Attend  bool // what is shown ends if nobody has the page open
	Full    bool
	Gone    string // why Body is not of now; "" if it is
	Body    template.HTML
	Now     time.Time
}

// model is the input of view templates.
type model struct {
	Base string
	Full bool
	Now  time.Time
	Data any
}

// show serves a view as a page, as JSON with ?format=json, or as a stream of its parts.
func (p *Page) show(v *view) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream") {
			p.stream(w, r, v)
			return
		}
		data, err := p.data(r.Context(), v, r)
		if err != nil {
			if !p.showPicture(w, r, v, err) {
				p.fail(w, r, err)
			}
			return
		}
		if v.tab != askView.tab && wantsHTML(r) { // Ask is different for each session
			p.pictures.keep(r.URL.RequestURI(), picture{data, p.cfg.Now()})
		}
		switch format := r.URL.Query().Get("format"); format {
		case "json":
			p.writeJSON(w, data)
		case "":
			p.write(w, r, http.StatusOK, v, data)
		default:
			p.fail(w, r, fault.Usage("json", "unknown format %q", format))
		}
	})
}

// data returns what a view shows.
func (p *Page) data(ctx context.Context, v *view, r *http.Request) (any, error) {
	b, err := p.connected()
	if err != nil {
		return nil, err
	}
	data, err := v.build(ctx, p, b, r)
	return data, p.heard(ctx, err)
}

// write writes a whole page.
func (p *Page) write(w http.ResponseWriter, r *http.Request, code int, v *view, data any) {
	body, err := p.execute(v.name, data)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f := frame{Title: v.title, Tab: v.tab, Live: len(v.parts) > 0 && !v.ended(data), Body: htmlOf(body)}
	f.Attend = f.Live && v.during != nil
	p.writeFrame(w, code, f)
}

// ended reports whether the parts of a view will not change any more.
func (v *view) ended(data any) bool { return v.done != nil && v.done(data) }

// writeFrame writes the layout around f.Body.
func (p *Page) writeFrame(w http.ResponseWriter, code int, f frame) {
	f.Base, f.Version, f.Now, f.Full = p.cfg.Base, p.cfg.Version, p.cfg.Now(), p.cfg.Mode == Full
	var page bytes.Buffer
	if err := templates().ExecuteTemplate(&page, "layout", f); err != nil {
		p.log.Error("page failed", slog.Any("err", err))
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(page.Bytes())
}

// execute renders a template with data.
func (p *Page) execute(name string, data any) ([]byte, error) {
	return p.render(name, data, p.cfg.Mode == Full)
}

// render renders a template with data, and with buttons if full.
func (p *Page) render(name string, data any, full bool) ([]byte, error) {
	var out bytes.Buffer
	err := templates().ExecuteTemplate(&out, name, model{Base: p.cfg.Base, Full: full, Now: p.cfg.Now(), Data: data})
	return out.Bytes(), err
}

func (p *Page) writeJSON(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(data)
}

// fail answers with an error.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody reads the answer
	}
	code := httpStatus(err)
	if code == http.StatusServiceUnavailable {
		p.log.Warn("page is not available", slog.String("path", r.URL.Path), slog.Any("err", err))
		w.Header().Set("Retry-After", "5")
	}
	p.problem(w, r, code, err.Error(), withoutFlags(fault.HintOf(err)))
}

// failure is an error as the page shows it.
type failure struct {
	Status int    `json:"status"`
	Title  string `json:"-"`
	Error  string `json:"error"`
	Hint   string `json:"hint,omitempty"`
}

func newFailure(code int, err error) *failure {
	return &failure{Status: code, Title: http.StatusText(code), Error: err.Error(), Hint: withoutFlags(fault.HintOf(err))}
}

// withoutFlags returns a hint, or "" if it is about flags of a command.
func withoutFlags(hint string) string {
	if strings.HasPrefix(hint, "--") {
		return ""
	}
	return hint
}

// problem answers with an error for people or, if they did not ask for HTML, for programs.
func (p *Page) problem(w http.ResponseWriter, r *http.Request, code int, message, hint string) {
	f := failure{Status: code, Title: http.StatusText(code), Error: message, Hint: hint}
	if !wantsHTML(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(f)
		return
	}
	body, err := p.execute("problem", f)
	if err != nil {
		http.Error(w, message, code)
		return
	}
	p.writeFrame(w, code, frame{Title: fmt.Sprintf("%d %s", code, f.Title), Body: htmlOf(body)})
}
