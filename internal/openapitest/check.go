package openapitest

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
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

// Check fails the test unless r, as received by a server, matches the file's description, below the path base: with
// everything required, values of the right types, and nothing else. It reads the body.
func Check(tb testing.TB, name, base string, r *http.Request) {
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
	r.URL.Scheme, r.URL.Host, r.Host = "http", "localhost", "localhost"
	route, path, err := router.FindRoute(r)
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
	known := Parameters(doc, r.Method, route.Path)
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
