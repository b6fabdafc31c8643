package mixpaneltest

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// controlProfiles adds endpoints with which another process changes profiles and members, and reads the truth:
//
//	GET /_profiles/{project}                     the truth, as JSON; parameters group, where and cohort, or session
//	PUT /_profiles/{project}/{id}                adds or changes a profile: the body is the text of its properties; parameter group
//	DELETE /_profiles/{project}/{id}             deletes a profile; parameter group
//	POST /_profiles/{project}?every=n            changes every n-th profile; parameter group
//	GET /_members/{project}/{cohort}             the IDs of all members, as a JSON array
//	PUT, DELETE /_members/{project}/{cohort}/{id} starts and ends a membership
//	DELETE /_sessions                            ends all queries for profiles
func (s *Server) controlProfiles(mux *http.ServeMux) {
	handle := func(pattern string, do func(project int64, r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			project, err := strconv.ParseInt(r.PathValue("project"), 10, 64)
			var answer any
			if err == nil || r.PathValue("project") == "" {
				answer, err = do(project, r)
			}
			if err != nil {
				reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			reply(w, http.StatusOK, answer)
		})
	}
	handle("GET /_profiles/{project}", func(project int64, r *http.Request) (any, error) {
		q := r.URL.Query()
		if q.Has("session") {
			return s.SessionProfiles(project, q.Get("session"))
		}
		cohort, err := number64(q, "cohort")
		if err != nil {
			return nil, err
		}
		return s.Profiles(ProfileAsk{Project: project, Group: q.Get("group"), Where: q.Get("where"), Cohort: cohort})
	})
	handle("PUT /_profiles/{project}/{id}", func(project int64, r *http.Request) (any, error) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return "put", s.PutProfile(project, r.FormValue("group"), Profile{r.PathValue("id"), string(text)})
	})
	handle("DELETE /_profiles/{project}/{id}", func(project int64, r *http.Request) (any, error) {
		return "deleted", s.DeleteProfile(project, r.FormValue("group"), r.PathValue("id"))
	})
	handle("POST /_profiles/{project}", func(project int64, r *http.Request) (any, error) {
		every, err := number64(r.URL.Query(), "every")
		if err != nil {
			return nil, err
		}
		n, err := s.ChangeProfiles(project, r.URL.Query().Get("group"), int(every))
		return map[string]int{"changed": n}, err
	})
	s.controlMembers(handle)
	s.controlSaved(handle)
	handle("DELETE /_sessions", func(int64, *http.Request) (any, error) {
		return map[string]int{"ended": s.EndSessions()}, nil
	})
}

func (s *Server) controlMembers(handle func(pattern string, do func(project int64, r *http.Request) (any, error))) {
	handle("GET /_members/{project}/{cohort}", func(project int64, r *http.Request) (any, error) {
		cohort, err := strconv.ParseInt(r.PathValue("cohort"), 10, 64)
		if err != nil {
			return nil, err
		}
		return s.Members(project, cohort)
	})
	handle("PUT /_members/{project}/{cohort}/{id}", func(project int64, r *http.Request) (any, error) {
		cohort, err := strconv.ParseInt(r.PathValue("cohort"), 10, 64)
		if err != nil {
			return nil, err
		}
		return "put", s.PutMember(project, cohort, r.PathValue("id"))
	})
	handle("DELETE /_members/{project}/{cohort}/{id}", func(project int64, r *http.Request) (any, error) {
		cohort, err := strconv.ParseInt(r.PathValue("cohort"), 10, 64)
		if err != nil {
			return nil, err
		}
		return "deleted", s.DeleteMember(project, cohort, r.PathValue("id"))
	})
}

// number64 returns a numeric parameter, 0 if it is missing.
func number64(q url.Values, key string) (int64, error) {
	if !q.Has(key) {
		return 0, nil
	}
	return strconv.ParseInt(q.Get(key), 10, 64)
}
