package openapitest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Load returns one of the files, with its errors corrected: the body of POST /engage is an object, and its behaviors
// are text.
func Load(tb testing.TB, name string) *openapi3.T {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(Read(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	if engage := doc.Paths.Value("/engage"); engage != nil {
		form := engage.Post.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
		form.Type = &openapi3.Types{openapi3.TypeObject}
		form.Properties["behaviors"].Value.Type = &openapi3.Types{openapi3.TypeString}
	}
	return doc
}

// Describes returns the file that describes requests for a path, and the path that its descriptions are below; "" for
// the parts of the API that Mixpanel does not describe.
func Describes(path string) (file, base string) {
	switch {
	case path == "/api/2.0/export":
		return "export.openapi.yaml", "/api/2.0"
	case strings.HasPrefix(path, "/api/query/"):
		return "query.openapi.yaml", "/api/query"
	case strings.HasSuffix(path, "/annotations"):
		return "annotations.openapi.yaml", "/api/app"
	case strings.HasSuffix(path, "/schemas"):
		return "lexicon-schemas.openapi.yaml", "/api/app"
	}
	return "", ""
}

// Checker compares requests with one of the files.
type Checker struct {
	doc    *openapi3.T
	router routers.Router
}

// NewChecker returns a checker for requests below the path base.
func NewChecker(tb testing.TB, name, base string) Checker {
	tb.Helper()
	doc := Load(tb, name)
	doc.Servers = openapi3.Servers{{URL: "http://localhost" + base}}
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
	}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation())
	if err != nil {
		tb.Fatal(err)
	}
	return Checker{doc, router}
}

// Check fails the test unless r, as received by a server, matches its description: with everything required, values of
// the right types, and nothing else. It reads the body.
func (c Checker) Check(tb testing.TB, r *http.Request) {
	tb.Helper()
	r.URL.Scheme, r.URL.Host, r.Host = "http", "localhost", "localhost"
	route, path, err := c.router.FindRoute(r)
	if err != nil {
		tb.Errorf("%s %s: %v", r.Method, r.URL, err)
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: path, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		tb.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	known := Parameters(c.doc, r.Method, route.Path)
	checkKnown(tb, "parameter", r.URL.Query(), func(key string) bool { return known[key] != nil })
	if err := r.ParseForm(); err != nil {
		tb.Error(err)
	}
	var form openapi3.Schemas
	if body := route.Operation.RequestBody; body != nil {
		if content := body.Value.Content["application/x-www-form-urlencoded"]; content != nil {
			form = content.Schema.Value.Properties
		}
	}
	checkKnown(tb, "field", r.PostForm, func(key string) bool { return form[key] != nil })
}

func checkKnown(tb testing.TB, what string, sent url.Values, known func(key string) bool) {
	tb.Helper()
	for key, values := range sent {
		if !known(key) || len(values) != 1 {
			tb.Errorf("%s %s is sent %d times, and the description has it: %t", what, key, len(values), known(key))
		}
	}
}

// Parameters returns the query parameters of a call, by name.
func Parameters(doc *openapi3.T, method, path string) map[string]*openapi3.Parameter {
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return nil
	}
	known := make(map[string]*openapi3.Parameter)
	for _, parameters := range []openapi3.Parameters{item.Parameters, item.GetOperation(method).Parameters} {
		for _, p := range parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				known[p.Value.Name] = p.Value
			}
		}
	}
	return known
}
