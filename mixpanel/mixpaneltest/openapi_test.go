package mixpaneltest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"mixduck/internal/openapitest"
)

// published is a query parameter, as one of Mixpanel's OpenAPI descriptions has it.
type published struct {
	Ref      string `yaml:"$ref"`
	In       string `yaml:"in"`
	Name     string `yaml:"name"`
	Required bool   `yaml:"required"`
	Schema   struct {
		Type string   `yaml:"type"`
		Enum []string `yaml:"enum"`
	} `yaml:"schema"`
}

// parametersOf returns the query parameters of GET path in one of the files.
func parametersOf(t *testing.T, file, path string) []published {
	t.Helper()
	var description struct {
		Paths map[string]struct {
			Get struct {
				Parameters []published `yaml:"parameters"`
			} `yaml:"get"`
		} `yaml:"paths"`
		Components struct {
			Parameters map[string]published `yaml:"parameters"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(openapitest.Read(t, file), &description); err != nil {
		t.Fatal(err)
	}
	var parameters []published
	for _, p := range description.Paths[path].Get.Parameters {
		if p.Ref != "" {
			p = description.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
		if p.In == "query" {
			parameters = append(parameters, p)
		}
	}
	return parameters
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
	for _, parameter := range parametersOf(t, "export.openapi.yaml", "/export") {
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

// TestQueriesTakeThePublishedParameters holds each call of the Query API against its description: what it requires, and
// what it takes.
func TestQueriesTakeThePublishedParameters(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	for name, good := range goodQueries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := parametersOf(t, "query.openapi.yaml", "/"+name)
			known := []string{}
			for _, p := range parameters {
				known = append(known, p.Name)
				if !good.Has(p.Name) {
					continue
				}
				if p.Required {
					wantStatus(t, s, name, without(good, p.Name), 400)
				}
				if p.Schema.Type == "integer" {
					wantStatus(t, s, name, with(good, p.Name, "many"), 400)
				}
				if len(p.Schema.Enum) > 0 {
					wantStatus(t, s, name, with(good, p.Name, "other"), 400)
				}
				for _, value := range p.Schema.Enum {
					wantStatus(t, s, name, with(good, p.Name, value), 200)
				}
			}
			for key := range good {
				if !slices.Contains(known, key) {
					t.Errorf("%s is taken, and is not published", key)
				}
			}
			// The ways to narrow and shape an answer that the stand-in does not offer are refused.
			for _, p := range parameters {
				if !good.Has(p.Name) {
					wantStatus(t, s, name, with(good, p.Name, "1"), 400)
				}
			}
		})
	}
}
