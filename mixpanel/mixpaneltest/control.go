package mixpaneltest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Controls returns a handler for everything the server serves, and for endpoints with which another process controls
// it:
//
//	GET /_requests        the log, as a JSON array of Request
//	GET /_queries         the log of the Query API, as a JSON array of Request
//	GET /_faults          the faults in force, as a JSON array of Injection
//	POST /_faults         injects the Fault in the body and returns its Injection
//	DELETE /_faults/{id}  removes a fault
//
// and those of controlProfiles and controlSaved.
func (s *Server) Controls() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.HandleFunc("GET /_requests", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Requests()) })
	mux.HandleFunc("GET /_queries", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Queries()) })
	mux.HandleFunc("GET /_faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Injections()) })
	mux.HandleFunc("POST /_faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		if err := in.Decode(&f); err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		injection, err := s.Inject(f)
		if err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		reply(w, http.StatusCreated, injection)
	})
	mux.HandleFunc("DELETE /_faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, i := range s.Injections() {
			if strconv.Itoa(i.ID) == r.PathValue("id") {
				i.Remove()
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		reply(w, http.StatusNotFound, map[string]string{"error": "no such fault"})
	})
	s.controlProfiles(mux)
	return mux
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // an error means that the client has left
}
