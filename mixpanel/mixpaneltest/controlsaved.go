package mixpaneltest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// controlSaved adds endpoints with which another process changes and reads what is saved in a project:
//
//	GET /_annotations/{project}           all that a correct copy holds, as a JSON array; also /_cohorts, /_lexicon, /_funnels,
//	                                      /_bookmarks and /_lookups
//	PUT /_annotations/{project}           adds or changes the [Annotation] in the body; also /_cohorts, /_lexicon and /_funnels
//	DELETE /_annotations/{project}/{id}   deletes one; also /_cohorts and /_funnels, and /_lexicon/{project}/{kind}/{name}
func (s *Server) controlSaved(handle func(pattern string, do func(project int64, r *http.Request) (any, error))) {
	list := func(name string, all func(project int64) (any, error)) {
		handle("GET /"+name+"/{project}", func(project int64, _ *http.Request) (any, error) { return all(project) })
	}
	list("_annotations", func(project int64) (any, error) { return s.Annotations(project) })
	list("_cohorts", func(project int64) (any, error) { return s.Cohorts(project) })
	list("_lexicon", func(project int64) (any, error) { return s.Lexicon(project) })
	list("_funnels", func(project int64) (any, error) { return s.Funnels(project) })
	list("_bookmarks", func(project int64) (any, error) { return s.Bookmarks(project) })
	list("_lookups", func(project int64) (any, error) { return s.LookupTables(project) })
	handle("PUT /_annotations/{project}", put(s.PutAnnotation))
	handle("PUT /_cohorts/{project}", put(s.PutCohort))
	handle("PUT /_lexicon/{project}", put(s.PutLexicon))
	handle("PUT /_funnels/{project}", put(s.PutFunnel))
	handle("DELETE /_annotations/{project}/{id}", remove(s.DeleteAnnotation))
	handle("DELETE /_cohorts/{project}/{id}", remove(s.DeleteCohort))
	handle("DELETE /_funnels/{project}/{id}", remove(s.DeleteFunnel))
	handle("DELETE /_lexicon/{project}/{kind}/{name}", func(project int64, r *http.Request) (any, error) {
		return "deleted", s.DeleteLexicon(project, r.PathValue("kind"), r.PathValue("name"))
	})
}

// put parses the body of a request.
func put[T any](do func(project int64, item T) error) func(project int64, r *http.Request) (any, error) {
	return func(project int64, r *http.Request) (any, error) {
		var item T
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		if err := in.Decode(&item); err != nil {
			return nil, err
		}
		return "put", do(project, item)
	}
}

func remove(do func(project, id int64) error) func(project int64, r *http.Request) (any, error) {
	return func(project int64, r *http.Request) (any, error) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return nil, err
		}
		return "deleted", do(project, id)
	}
}
