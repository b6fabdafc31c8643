package mixpaneltest_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"mixduck/internal/openapitest"
)

// parametersOf returns the query parameters of a call in one of the files.
func parametersOf(t *testing.T, file, method, path string) map[string]*openapi3.Parameter {
	t.Helper()
	return openapitest.Parameters(openapitest.Load(t, file), method, path)
}

func TestAcceptsThePublishedParameters(t *testing.T) {
	t.Parallel()
	examples := map[string]string{
		"project_id": "7",
		"from_date":  "2025-03-01",
		"to_date":    "2025-03-01",
		"limit":      "10",
		"event":      `["Page Viewed"]`,
		"where":      `properties["plan"] == "pro"`,
		"time_in_ms": "true",
	}
	s := start(t, project(20))
	var names []string
	for _, parameter := range parametersOf(t, "export.openapi.yaml", http.MethodGet, "/export") {
		names = append(names, parameter.Name)
		if got := get(t, s, march1, march1, parameter.Name, examples[parameter.Name]); got.status != 200 {
			t.Errorf("%s: status %d: %s", parameter.Name, got.status, got.text)
		}
		if parameter.Required {
			without := params(march1, march1)
			without.Del(parameter.Name)
			if got, err := ask(t.Context(), s, without, nil); err != nil || got.status != 400 {
				t.Errorf("without %s: status %d, %v", parameter.Name, got.status, err)
			}
		}
	}
	var known []string
	for name := range examples {
		known = append(known, name)
	}
	slices.Sort(names)
	slices.Sort(known)
	if diff := cmp.Diff(known, names); diff != "" {
		t.Errorf("parameters (-stand-in +published):\n%s", diff)
	}
}

// TestQueriesTakeThePublishedParameters compares each call of the Query API with its description: what it requires,
// and what it accepts.
func TestQueriesTakeThePublishedParameters(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	for name, good := range goodQueries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := parametersOf(t, "query.openapi.yaml", http.MethodGet, "/"+name)
			known := []string{}
			for _, p := range parameters {
				known = append(known, p.Name)
				if !good.Has(p.Name) {
					continue
				}
				if p.Required {
					wantStatus(t, s, name, without(good, p.Name), 400)
				}
				if p.Schema.Value.Type.Is("integer") {
					wantStatus(t, s, name, with(good, p.Name, "many"), 400)
				}
				if len(p.Schema.Value.Enum) > 0 {
					wantStatus(t, s, name, with(good, p.Name, "other"), 400)
				}
				for _, value := range p.Schema.Value.Enum {
					wantStatus(t, s, name, with(good, p.Name, value.(string)), 200)
				}
			}
			for key := range good {
				if !slices.Contains(known, key) {
					t.Errorf("%s is taken, and is not published", key)
				}
			}
			// Parameters that narrow or shape a response and that the stand-in does not support are rejected.
			for _, p := range parameters {
				if !good.Has(p.Name) {
					wantStatus(t, s, name, with(good, p.Name, "1"), 400)
				}
			}
		})
	}
}
