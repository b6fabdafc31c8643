package mixpaneltest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// refusal is a response without events.
type refusal struct {
	status  int
	header  http.Header // may be nil
	message string
	json    bool // in the form {"request": …, "error": message}; otherwise plain text
}

func plain(status int, message string) *refusal { return &refusal{status: status, message: message} }

func wrapped(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...), json: true}
}

// wrongRegion is the response of another region's host, as reported by users: a success without events.
func wrongRegion() *refusal { return plain(http.StatusOK, terminatedEarly+"\n") }

// stranger is the response for a project that does not exist or belongs to another account.
func stranger() *refusal { return wrapped(http.StatusBadRequest, "Unable to authenticate request") }

func tooFarBack(maxDays int) *refusal {
	return wrapped(http.StatusForbidden, "Date range exceeds %d days into the past", maxDays)
}

// refuse sends no and records its status in entry.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, entry *Request, no *refusal) error {
	body := []byte(no.message)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if no.json {
		w.Header().Set("Content-Type", "application/json")
		var err error
		body, err = json.Marshal(map[string]string{"request": r.URL.RequestURI(), "error": no.message})
		if err != nil {
			return err
		}
	}
	maps.Copy(w.Header(), no.header)
	s.note(func() {
		entry.Status = no.status
		entry.Bytes = int64(len(body))
	})
	w.WriteHeader(no.status)
	_, err := w.Write(body)
	return err
}

// authenticate returns the project requested by r, if its method is right and its credentials are valid for it. text
// is the ID of the project in the path, "" if it is the parameter project_id.
func (s *Server) authenticate(r *http.Request, method, text string) (*project, *refusal) {
	if r.Method != method {
		no := wrapped(http.StatusMethodNotAllowed, "method %s is not allowed", r.Method)
		no.header = http.Header{"Allow": {method}}
		return nil, no
	}
	username, password, ok := r.BasicAuth()
	if !ok {
		no := wrapped(http.StatusUnauthorized, "Unable to authenticate request")
		no.header = http.Header{"Www-Authenticate": {`Basic realm="Mixpanel"`}}
		return nil, no
	}
	if !s.anyProject(username, password) {
		return nil, wrapped(http.StatusUnauthorized, "Invalid service account credentials")
	}
	if text == "" {
		// Invalid queries are detected later; only the project matters here.
		values, _ := url.ParseQuery(r.URL.RawQuery)
		text = values.Get("project_id")
	}
	if text == "" {
		return nil, wrapped(http.StatusBadRequest, "project_id is required with a service account")
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, wrapped(http.StatusBadRequest, "project_id must be an integer, not %q", text)
	}
	p := s.projects[id]
	if p == nil || !p.opens(username, password) {
		return nil, stranger()
	}
	return p, nil
}

func (s *Server) anyProject(username, password string) bool {
	for _, p := range s.projects {
		if p.opens(username, password) {
			return true
		}
	}
	return false
}

func (p *project) opens(username, password string) bool {
	return username == p.Username && subtle.ConstantTimeCompare([]byte(password), []byte(p.Secret)) == 1
}
